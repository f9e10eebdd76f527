// OpenSSL's objects out of PEM and into it.
//
// Reading fails with kInvalidArgument. The message says what is wrong with the text; the caller knows which text it is.
//
// Thread contract: functions of their arguments, for any thread.
#pragma once

#include <string>
#include <vector>

#include "crypto/openssl_ptr.h"
#include "os/status.h"

namespace pageferry {

// All that the text holds, at least one: a text that is damaged after the first one fails, too.
Result<std::vector<OpensslPtr<X509>>> read_certificates(const std::string& pem);
Result<std::vector<OpensslPtr<X509_CRL>>> read_revocation_lists(const std::string& pem);
// Without a password: nobody is asked for one.
Result<OpensslPtr<EVP_PKEY>> read_private_key(const std::string& pem);

Result<std::string> to_pem(X509* certificate);
Result<std::string> to_pem(EVP_PKEY* key);
Result<std::string> to_pem(X509_CRL* list);

}  // namespace pageferry
