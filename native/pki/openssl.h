// What every file here needs of OpenSSL: owners of its objects, and its errors as a Status.
//
// The addon calls the OpenSSL that Node brings; nothing of it is linked in. Only what OpenSSL 3.0 has may be called,
// because that is the one in Node 20. (docs/decisions/0003-libraries.md)
//
// Thread contract: an object belongs to one thread at a time. OpenSSL's queue of errors is the thread's own, and Node
// uses it too: whoever calls OpenSSL holds an ErrorScope meanwhile.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include "os/status.h"

namespace pageferry::pki {

template <auto let_go>
struct Free {
  template <class T>
  void operator()(T* object) const {
    let_go(object);
  }
};

template <class T, auto let_go>
using Owned = std::unique_ptr<T, Free<let_go>>;

using OwnedBio = Owned<BIO, BIO_free_all>;
using OwnedNumber = Owned<BIGNUM, BN_free>;
using OwnedKey = Owned<EVP_PKEY, EVP_PKEY_free>;
using OwnedCertificate = Owned<X509, X509_free>;
using OwnedCrl = Owned<X509_CRL, X509_CRL_free>;
using OwnedRevoked = Owned<X509_REVOKED, X509_REVOKED_free>;
using OwnedName = Owned<X509_NAME, X509_NAME_free>;
using OwnedExtension = Owned<X509_EXTENSION, X509_EXTENSION_free>;
using OwnedGeneralName = Owned<GENERAL_NAME, GENERAL_NAME_free>;
using OwnedGeneralNames = Owned<GENERAL_NAMES, GENERAL_NAMES_free>;
using OwnedInteger = Owned<ASN1_INTEGER, ASN1_INTEGER_free>;
using OwnedString = Owned<ASN1_STRING, ASN1_STRING_free>;
using OwnedTime = Owned<ASN1_TIME, ASN1_TIME_free>;

// Errors that come while it lives are gone afterwards, and those from before are as they were.
class ErrorScope {
 public:
  ErrorScope() { ERR_set_mark(); }
  ~ErrorScope() { ERR_pop_to_mark(); }
  ErrorScope(const ErrorScope&) = delete;
  ErrorScope& operator=(const ErrorScope&) = delete;
};

// For a call that has just failed: `what`, and the reason that OpenSSL gives. kNoMemory where that is it.
Status openssl_failure(StatusCode code, std::string what);

// The same for a call that fails only when the system has no memory or no random numbers.
Status openssl_failure(std::string what);

// PEM. Reading fails with kInvalidArgument: a private key that is encrypted, too, because nobody is asked for a
// passphrase.
Result<OwnedCertificate> read_certificate(const std::string& pem);
Result<OwnedKey> read_key(const std::string& pem);
Result<OwnedCrl> read_crl(const std::string& pem);
Result<std::string> to_pem(X509* certificate);
Result<std::string> to_pem(EVP_PKEY* key);
Result<std::string> to_pem(X509_CRL* crl);

}  // namespace pageferry::pki
