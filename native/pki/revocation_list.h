// What a CA has revoked: its certificate revocation list (CRL), signed and read. Text in, text out.
//
// Thread contract: functions of their arguments, for any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "os/status.h"
#include "pki/certificate.h"

namespace pageferry::pki {

struct Revocation {
  // Hexadecimal, in capitals, as OpenSSL and Node write it.
  std::string serial;
  // Seconds since 1970.
  std::int64_t at = 0;
};

struct RevocationList {
  // Grows with every list of a CA.
  std::uint64_t number = 0;
  std::vector<Revocation> revoked;
};

// A list in PEM. Hosts refuse every certificate of the CA outside of `validity`.
Result<std::string> sign_revocation_list(const Credential& authority, const RevocationList& list,
                                         Validity validity);

// kInvalidArgument when it is none, or when another than this CA has signed it.
Result<RevocationList> read_revocation_list(const std::string& authority_certificate,
                                            const std::string& pem);

}  // namespace pageferry::pki
