#include "tls/pem_files.h"

#include <openssl/pem.h>

#include "tls/certificate_text.h"
#include "tls/error_queue.h"
#include "tls/secret_file.h"
#include "tls/tls_reason.h"

namespace pageferry {

namespace {

// The default asks on the terminal.
int no_password(char*, int, int, void*) { return -1; }

OpensslPtr<BIO> over(const std::string& text) {
  return OpensslPtr<BIO>(::BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Status malformed(const std::string& path, const std::string& what) {
  return Status(StatusCode::kInvalidArgument, path + ": " + what)
      .because(tls_reason::kFileMalformed);
}

// All that `read_next` finds in the file, which answers null for the end as for what cannot be read.
template <class T>
Result<std::vector<OpensslPtr<T>>> read_all(const std::string& path, const std::string& what,
                                            T* (*read_next)(BIO*, T**, pem_password_cb*, void*)) {
  const auto file = read_secret_file(path, Readers::kAny);
  if (!file.ok()) return file.status();
  const ErrorQueue errors;
  const OpensslPtr<BIO> bio = over(file.value().text());
  std::vector<OpensslPtr<T>> found;
  while (T* next = read_next(bio.get(), nullptr, no_password, nullptr)) found.emplace_back(next);
  if (found.empty()) return malformed(path, "holds no " + what + " in PEM form");
  if (!errors.at_end_of_pem()) return malformed(path, "is damaged: " + errors.text());
  return found;
}

}  // namespace

Result<std::vector<OpensslPtr<X509>>> read_certificates(const std::string& path) {
  return read_all<X509>(path, "certificate", ::PEM_read_bio_X509);
}

Result<std::vector<OpensslPtr<X509_CRL>>> read_revocation_lists(const std::string& path) {
  auto lists = read_all<X509_CRL>(path, "revocation list", ::PEM_read_bio_X509_CRL);
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

Result<OpensslPtr<EVP_PKEY>> read_private_key(const std::string& path) {
  const auto file = read_secret_file(path, Readers::kAny);
  if (!file.ok()) return file.status();
  const ErrorQueue errors;
  const OpensslPtr<BIO> bio = over(file.value().text());
  OpensslPtr<EVP_PKEY> key(::PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  if (key) return key;
  const bool encrypted = file.value().text().find("ENCRYPTED") != std::string::npos;
  return malformed(path, encrypted ? "this private key has a password; keys are taken without one"
                                   : "holds no private key in PEM form");
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
