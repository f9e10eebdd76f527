#include "pki/signer.h"

#include <utility>

#include "crypto/error_queue.h"
#include "crypto/pem.h"

namespace pageferry::pki {

Result<Signer> read_signer(const Credential& authority) {
  auto certificates = read_certificates(authority.certificate);
  if (!certificates.ok()) return certificates.status();
  auto key = read_private_key(authority.key);
  if (!key.ok()) return key.status();
  Signer signer{std::move(certificates.value().front()), std::move(key.value())};
  if (X509_check_ca(signer.certificate.get()) != 1) {
    return Status(StatusCode::kInvalidArgument, "the certificate is not that of a CA");
  }
  if (X509_check_private_key(signer.certificate.get(), signer.key.get()) != 1) {
    return openssl_failure(StatusCode::kInvalidArgument, "the key is not that of the certificate");
  }
  return signer;
}

Result<OpensslPtr<X509_EXTENSION>> make_extension(const ExtensionContext& context, int nid,
                                                  const char* value) {
  X509V3_CTX made{};
  X509V3_set_ctx(&made, context.signer, context.subject, nullptr, context.crl, 0);
  OpensslPtr<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &made, nid, value));
  if (extension == nullptr) return openssl_failure(StatusCode::kSystem, "cannot make an extension");
  return extension;
}

}  // namespace pageferry::pki
