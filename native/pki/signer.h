// A CA that can sign: what it issues and what it revokes need the same of it.
#pragma once

#include "crypto/openssl_ptr.h"
#include "pki/certificate.h"

namespace pageferry::pki {

struct Signer {
  OpensslPtr<X509> certificate;
  OpensslPtr<EVP_PKEY> key;
};

// kInvalidArgument unless it is the certificate of a CA and its key.
Result<Signer> read_signer(const Credential& authority);

// What an extension may refer to: the keys of the signer and of the subject.
struct ExtensionContext {
  X509* signer = nullptr;
  X509* subject = nullptr;
  X509_CRL* crl = nullptr;
};

// An extension from OpenSSL's text form of it. `value` is never a user's text: some forms refer to files.
Result<OpensslPtr<X509_EXTENSION>> make_extension(const ExtensionContext& context, int nid,
                                                  const char* value);

}  // namespace pageferry::pki
