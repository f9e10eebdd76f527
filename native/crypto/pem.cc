#include "crypto/pem.h"

#include <openssl/pem.h>

#include "crypto/error_queue.h"

namespace pageferry {

namespace {

// The default asks on the terminal.
int no_password(char*, int, int, void*) { return -1; }

OpensslPtr<BIO> over(const std::string& text) {
  return OpensslPtr<BIO>(::BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// `read_next` answers null for the end as for what cannot be read.
template <class T>
Result<std::vector<OpensslPtr<T>>> read_all(const std::string& pem, const std::string& what,
                                            T* (*read_next)(BIO*, T**, pem_password_cb*, void*)) {
  const ErrorQueue errors;
  const OpensslPtr<BIO> bio = over(pem);
  if (!bio) return openssl_failure(StatusCode::kSystem, "cannot read PEM");
  std::vector<OpensslPtr<T>> found;
  while (T* next = read_next(bio.get(), nullptr, no_password, nullptr)) found.emplace_back(next);
  if (!errors.at_end_of_pem()) return openssl_failure(StatusCode::kInvalidArgument, "damaged PEM");
  if (found.empty()) {
    return Status(StatusCode::kInvalidArgument, "no " + what + " in PEM form");
  }
  return found;
}

template <class Write>
Result<std::string> written(Write write) {
  const ErrorQueue errors;
  const OpensslPtr<BIO> bio(::BIO_new(::BIO_s_mem()));
  if (!bio || write(bio.get()) != 1) {
    return openssl_failure(StatusCode::kSystem, "cannot write PEM");
  }
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(length));
}

}  // namespace

Result<std::vector<OpensslPtr<X509>>> read_certificates(const std::string& pem) {
  return read_all<X509>(pem, "certificate", ::PEM_read_bio_X509);
}

Result<std::vector<OpensslPtr<X509_CRL>>> read_revocation_lists(const std::string& pem) {
  return read_all<X509_CRL>(pem, "certificate revocation list", ::PEM_read_bio_X509_CRL);
}

Result<OpensslPtr<EVP_PKEY>> read_private_key(const std::string& pem) {
  const ErrorQueue errors;
  const OpensslPtr<BIO> bio = over(pem);
  if (!bio) return openssl_failure(StatusCode::kSystem, "cannot read PEM");
  OpensslPtr<EVP_PKEY> key(::PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  if (key) return key;
  const bool encrypted = pem.find("ENCRYPTED") != std::string::npos;
  return Status(StatusCode::kInvalidArgument,
                encrypted ? "the private key has a password; keys are taken without one"
                          : "no private key in PEM form");
}

Result<std::string> to_pem(X509* certificate) {
  return written([&](BIO* bio) { return ::PEM_write_bio_X509(bio, certificate); });
}

Result<std::string> to_pem(EVP_PKEY* key) {
  return written([&](BIO* bio) {
    return ::PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

Result<std::string> to_pem(X509_CRL* list) {
  return written([&](BIO* bio) { return ::PEM_write_bio_X509_CRL(bio, list); });
}

}  // namespace pageferry
