// What is sent over a stream. Tests only.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <thread>
#include <vector>

#include "channel/record_io.h"
#include "net/stream_test_util.h"

namespace pageferry::testing {

// What write(stream) sends, up to its end.
template <class Write>
std::vector<std::byte> bytes_sent_by(Write write) {
  auto pair = connect_pair();
  std::vector<std::byte> bytes;
  std::thread reader([&] { bytes = receive_until_end(pair.far); });
  write(pair.near);
  ::shutdown(pair.near.fd(), SHUT_WR);
  reader.join();
  return bytes;
}

inline Status send_sync(Stream& stream, std::uint64_t number) {
  return send_header(stream, sync_record(number));
}

}  // namespace pageferry::testing
