#include "os/round_trip.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>

namespace pageferry {

std::optional<RoundTrip> round_trip_of(int socket) {
  tcp_info info{};
  socklen_t bytes = sizeof(info);
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &bytes) != 0) return std::nullopt;
  if (bytes < offsetof(tcp_info, tcpi_busy_time) + sizeof(info.tcpi_busy_time)) return std::nullopt;
  // The kernel's word for no measurement yet.
  constexpr std::uint32_t kNone = ~std::uint32_t{0};
  if (info.tcpi_rtt == 0 || info.tcpi_min_rtt == 0 || info.tcpi_min_rtt == kNone) {
    return std::nullopt;
  }
  const std::uint64_t rate = info.tcpi_delivery_rate_app_limited ? 0 : info.tcpi_delivery_rate;
  return RoundTrip{.smoothed_us = info.tcpi_rtt,
                   .least_us = info.tcpi_min_rtt,
                   .acknowledged_bytes = info.tcpi_bytes_acked,
                   .busy_us = info.tcpi_busy_time,
                   .delivery_rate = rate};
}

}  // namespace pageferry
