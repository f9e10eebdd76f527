// A certificate authority (CA) for a lab, and the certificates of its hosts: text in, text out.
//
// Thread contract: functions of their arguments, for any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "os/status.h"

namespace pageferry::pki {

// A certificate and its private key, in PEM.
struct Credential {
  std::string certificate;
  std::string key;
};

// Seconds since 1970. OpenSSL takes a certificate from `begin` on, and at `end` no more.
struct Validity {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

// A CA that signs itself, for host certificates only: path length 0. `name` is its common name, up to 64 characters.
Result<Credential> create_authority(const std::string& name, Validity validity);

// A certificate for a host, for either role of a connection. The first name is the common name, of up to 64 characters;
// every name that is no IPv4 or IPv6 address is taken for a DNS name, and is not checked further. kInvalidArgument when
// `authority` is not a CA and its key.
Result<Credential> issue_certificate(const Credential& authority,
                                     const std::vector<std::string>& names, Validity validity);

}  // namespace pageferry::pki
