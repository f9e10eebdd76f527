// What a certificate says, for people. It may be a stranger's: what is not plain ASCII is not passed on.
#pragma once

#include <openssl/x509.h>

#include <string>

namespace pageferry {

// "host-a, 10.0.0.7": the names for which it was issued, or its subject where it has none.
std::string names_of(const X509* certificate);

// "2026-11-30 11:33:54 UTC"
std::string to_text(const ASN1_TIME* time);

}  // namespace pageferry
