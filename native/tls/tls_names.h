// What both sides of a connection call things.
#pragma once

namespace pageferry {

// The ALPN name of what is spoken within TLS.
constexpr char kAlpn[] = "pageferry/2";

// What OpenSSL tells the sessions of one program's purposes apart by.
constexpr unsigned char kSessionContext[] = {'p', 'a', 'g', 'e', 'f', 'e', 'r', 'r', 'y'};

}  // namespace pageferry
