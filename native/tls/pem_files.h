// The certificates, keys and revocation lists of PEM files, each checked for what would make every handshake fail.
#pragma once

#include <string>
#include <vector>

#include "crypto/openssl_ptr.h"
#include "os/status.h"

namespace pageferry {

// At least one.
Result<std::vector<OpensslPtr<X509>>> load_certificates(const std::string& path);
// At least one, none of which is out of date.
Result<std::vector<OpensslPtr<X509_CRL>>> load_revocation_lists(const std::string& path);
// Without a password.
Result<OpensslPtr<EVP_PKEY>> load_private_key(const std::string& path);

// Whether this side can use its own certificate now.
Status check_own(X509* certificate, const std::string& certificate_path, EVP_PKEY* key,
                 const std::string& key_path);

}  // namespace pageferry
