// What of a TCP connection's data was acknowledged, and how long that takes.
#pragma once

#include <cstdint>
#include <optional>

namespace pageferry {

struct RoundTrip {
  std::uint32_t smoothed_us;         // over the last acknowledgements
  std::uint32_t least_us;            // of some minutes: with nothing waiting on the way
  std::uint64_t acknowledged_bytes;  // so far; it only grows
};

// What the kernel has measured (TCP_INFO); nothing for a connection that has not sent anything yet or has
// ended, and before Linux 4.6.
std::optional<RoundTrip> round_trip_of(int socket);

}  // namespace pageferry
