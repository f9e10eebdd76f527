// Owners of OpenSSL's objects.
//
// The addon calls the OpenSSL that Node brings; nothing of it is linked in. Only what OpenSSL 3.0 has may be called,
// because that is the one in Node 20. (docs/decisions/0003-libraries.md)
//
// Thread contract: an object belongs to one thread at a time.
#pragma once

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

namespace pageferry {

struct OpensslFree {
  // ASN1_INTEGER and ASN1_TIME are other names of this type.
  void operator()(ASN1_STRING* object) const { ::ASN1_STRING_free(object); }
  void operator()(BIGNUM* object) const { ::BN_free(object); }
  void operator()(BIO* object) const { ::BIO_free_all(object); }
  void operator()(EVP_PKEY* object) const { ::EVP_PKEY_free(object); }
  void operator()(GENERAL_NAME* object) const { ::GENERAL_NAME_free(object); }
  void operator()(GENERAL_NAMES* object) const { ::GENERAL_NAMES_free(object); }
  void operator()(SSL* object) const { ::SSL_free(object); }
  void operator()(SSL_CTX* object) const { ::SSL_CTX_free(object); }
  void operator()(SSL_SESSION* object) const { ::SSL_SESSION_free(object); }
  void operator()(X509* object) const { ::X509_free(object); }
  void operator()(X509_CRL* object) const { ::X509_CRL_free(object); }
  void operator()(X509_EXTENSION* object) const { ::X509_EXTENSION_free(object); }
  void operator()(X509_NAME* object) const { ::X509_NAME_free(object); }
  void operator()(X509_REVOKED* object) const { ::X509_REVOKED_free(object); }
};

template <class T>
using OpensslPtr = std::unique_ptr<T, OpensslFree>;

}  // namespace pageferry
