#include "pki/openssl.h"

#include <openssl/pem.h>

#include <utility>

namespace pageferry::pki {

namespace {

// Without it OpenSSL would ask on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

OwnedBio reading(const std::string& text) {
  return OwnedBio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// `Object` is an owner; `read` one of OpenSSL's PEM_read_bio_….
template <class Object, auto read>
Result<Object> from_pem(const std::string& pem, const char* failed) {
  const OwnedBio bio = reading(pem);
  if (bio == nullptr) return openssl_failure(failed);
  Object object(read(bio.get(), nullptr, no_passphrase, nullptr));
  if (object == nullptr) return openssl_failure(StatusCode::kInvalidArgument, failed);
  return object;
}

template <class Write>
Result<std::string> written(Write write) {
  const OwnedBio bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || write(bio.get()) != 1) return openssl_failure("cannot write PEM");
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(length));
}

}  // namespace

Status openssl_failure(StatusCode code, std::string what) {
  const unsigned long error = ERR_peek_last_error();
  if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE) code = StatusCode::kNoMemory;
  const char* reason = ERR_reason_error_string(error);
  if (reason != nullptr) {
    what += ": ";
    what += reason;
  }
  return Status(code, std::move(what));
}

Status openssl_failure(std::string what) {
  return openssl_failure(StatusCode::kSystem, std::move(what));
}

Result<OwnedCertificate> read_certificate(const std::string& pem) {
  return from_pem<OwnedCertificate, PEM_read_bio_X509>(pem, "not a certificate in PEM");
}

Result<OwnedKey> read_key(const std::string& pem) {
  return from_pem<OwnedKey, PEM_read_bio_PrivateKey>(pem, "not an unencrypted private key in PEM");
}

Result<OwnedCrl> read_crl(const std::string& pem) {
  return from_pem<OwnedCrl, PEM_read_bio_X509_CRL>(pem, "not a certificate revocation list in PEM");
}

Result<std::string> to_pem(X509* certificate) {
  return written([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

Result<std::string> to_pem(EVP_PKEY* key) {
  return written([&](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

Result<std::string> to_pem(X509_CRL* crl) {
  return written([&](BIO* bio) { return PEM_write_bio_X509_CRL(bio, crl); });
}

}  // namespace pageferry::pki
