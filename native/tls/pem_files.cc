#include "tls/pem_files.h"

#include "crypto/error_queue.h"
#include "crypto/pem.h"
#include "tls/certificate_text.h"
#include "tls/secret_file.h"
#include "tls/tls_reason.h"

namespace pageferry {

namespace {

// What `read` makes of the file's text.
template <class T>
Result<T> load(const std::string& path, Result<T> (*read)(const std::string& pem)) {
  const auto file = read_secret_file(path, Readers::kAny);
  if (!file.ok()) return file.status();
  auto made = read(file.value().text());
  if (made.ok()) return made;
  return Status(made.status().code(), path + ": " + made.status().message())
      .because(tls_reason::kFileMalformed);
}

}  // namespace

Result<std::vector<OpensslPtr<X509>>> load_certificates(const std::string& path) {
  return load(path, read_certificates);
}

Result<std::vector<OpensslPtr<X509_CRL>>> load_revocation_lists(const std::string& path) {
  auto lists = load(path, read_revocation_lists);
  if (!lists.ok()) return lists;
  for (const OpensslPtr<X509_CRL>& list : lists.value()) {
    const ASN1_TIME* until = ::X509_CRL_get0_nextUpdate(list.get());
    if (until == nullptr || ::X509_cmp_current_time(until) > 0) continue;
    return Status(StatusCode::kInvalidArgument,
                  path + ": this revocation list was to be replaced by " + to_text(until) +
                      "; bring a new one")
        .because(tls_reason::kCrlOutdated);
  }
  return lists;
}

Result<OpensslPtr<EVP_PKEY>> load_private_key(const std::string& path) {
  return load(path, read_private_key);
}

Status check_own(X509* certificate, const std::string& certificate_path, EVP_PKEY* key,
                 const std::string& key_path) {
  const ErrorQueue errors;
  if (::X509_check_private_key(certificate, key) != 1) {
    return Status(StatusCode::kInvalidArgument,
                  key_path + " is not the key of the certificate in " + certificate_path)
        .because(tls_reason::kKeyMismatch);
  }
  if (::X509_cmp_current_time(::X509_get0_notAfter(certificate)) <= 0) {
    return Status(StatusCode::kInvalidArgument,
                  certificate_path + ": this certificate expired on " +
                      to_text(::X509_get0_notAfter(certificate)) + "; issue a new one")
        .because(tls_reason::kExpired);
  }
  if (::X509_cmp_current_time(::X509_get0_notBefore(certificate)) > 0) {
    return Status(StatusCode::kInvalidArgument,
                  certificate_path + ": this certificate is not valid before " +
                      to_text(::X509_get0_notBefore(certificate)) + "; look at this host's clock")
        .because(tls_reason::kNotYetValid);
  }
  return Status();
}

}  // namespace pageferry
