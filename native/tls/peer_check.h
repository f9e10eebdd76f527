// Judges the certificate that the other side shows in a handshake.
#pragma once

#include <openssl/x509.h>

#include <string>
#include <vector>

#include "os/status.h"

namespace pageferry {

// Checks the chain against what `store` was set up with (CA, revocation list, purpose, name), then that the
// certificate is for one of `allowed_peers`, if there are any. The Status says what is wrong; the error that is left
// in `store` is the one by which OpenSSL picks the alert that says it to the other side.
Status check_peer(X509_STORE_CTX* store, const std::vector<std::string>& allowed_peers,
                  const std::string& expected_name);

}  // namespace pageferry
