// What of a TCP connection's data was acknowledged, how long that takes and how fast it goes.
#pragma once

#include <cstdint>
#include <optional>

namespace pageferry {

struct RoundTrip {
  std::uint32_t smoothed_us;         // over the last acknowledgements
  std::uint32_t least_us;            // of some minutes: with nothing waiting on the way
  std::uint64_t acknowledged_bytes;  // so far; it only grows
  std::uint64_t busy_us;             // in which data was on its way or waited to be; it only grows
  // Bytes per second at which the last data was delivered (tcp_rate.c: "delivery rate"); 0 where the sender had
  // nothing to send meanwhile, so that it says nothing of the way.
  std::uint64_t delivery_rate;
};

// What the kernel has measured (TCP_INFO); nothing for a connection that has not sent anything yet or has
// ended, and before Linux 4.10.
std::optional<RoundTrip> round_trip_of(int socket);

}  // namespace pageferry
