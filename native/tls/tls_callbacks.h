// What OpenSSL asks in the middle of a handshake.
#pragma once

#include <openssl/ssl.h>

namespace pageferry {

// Of a context; the connections in it are TlsSessions.
void set_callbacks(SSL_CTX* context, bool with_pre_shared_key);

}  // namespace pageferry
