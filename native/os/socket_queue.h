// What a connection still has to get across.
#pragma once

#include <cstdint>

namespace pageferry {

// Bytes that were handed to this TCP socket and that the peer's kernel has not acknowledged yet (SIOCOUTQ);
// 0 for a connection that has ended.
std::uint64_t unacknowledged_bytes(int socket);

}  // namespace pageferry
