// A key that both sides were given: one line `identity:hex`, at least 32 bytes of key, in a file that nobody but its
// owner may read.
#pragma once

#include <openssl/ssl.h>

#include <string>
#include <vector>

#include "crypto/openssl_ptr.h"
#include "os/status.h"
#include "tls/secret_file.h"

namespace pageferry {

class PreSharedKey {
 public:
  static Result<PreSharedKey> read(const std::string& path);

  const std::string& identity() const { return identity_; }
  // As TLS takes it, for a connection (RFC 8446, 4.2.11, with SHA-256). Null when memory runs out.
  OpensslPtr<SSL_SESSION> session(SSL* connection) const;

 private:
  PreSharedKey(std::string identity, Secret key)
      : identity_(std::move(identity)), key_(std::move(key)) {}

  std::string identity_;
  Secret key_;
};

}  // namespace pageferry
