// One TCP connection with blocking sends and receives, counted at the socket.
//
// Thread contract: one thread sends and one thread receives at a time; shutdown() may come from any
// thread and makes both return kCancelled at once. The descriptor stays open until the object dies, so
// a thread inside a call never touches another file.
#pragma once

#include <sys/uio.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "os/round_trip.h"
#include "os/status.h"
#include "os/unique_fd.h"

namespace pageferry {

class Socket {
 public:
  explicit Socket(UniqueFd fd) : fd_(std::move(fd)) {}
  Socket(Socket&& other) noexcept;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // Resolves `host` and connects to the first address that answers within `timeout`.
  static Result<Socket> connect(const std::string& host, std::uint16_t port,
                                std::chrono::milliseconds timeout);

  int fd() const { return fd_.get(); }
  UniqueFd release() { return std::move(fd_); }

  // Sends everything, advancing through `parts` (which it changes). kTimedOut when nothing moved for
  // the send timeout.
  Status send_all(std::span<iovec> parts);
  Status send_all(const void* data, std::size_t bytes);

  // Receives exactly what `parts` hold (which it changes). kPeerClosed when the peer closes before.
  Status receive_all(std::span<iovec> parts);
  Status receive_all(void* data, std::size_t bytes);
  // Receives what is there, at most `bytes`, without waiting; 0 when there is nothing. kPeerClosed at the
  // end of the stream.
  Result<std::size_t> receive_available(void* data, std::size_t bytes);
  // As receive_all, with kTimedOut when it takes longer than `timeout` altogether.
  Status receive_all_within(void* data, std::size_t bytes, std::chrono::milliseconds timeout);

  // True when the peer has closed or reset the connection and everything it sent was received.
  bool peer_closed() const;

  // True while the peer is on this host: both ends have the same address or it is a loopback address.
  bool peer_is_local() const;

  // No waiting for more bytes, for channels that carry requests.
  void set_no_delay();
  // A send that makes no progress for this long fails.
  void set_send_timeout(std::chrono::milliseconds timeout);
  void set_send_buffer(int bytes);
  // Congestion control by its kernel name. Best effort: an unknown name leaves the default.
  void set_congestion_control(const char* name);

  void shutdown();

  std::uint64_t bytes_sent() const { return bytes_sent_.load(std::memory_order_relaxed); }
  // Of those, what the peer's kernel has not acknowledged yet. From any thread.
  std::uint64_t bytes_unacknowledged() const;
  // Of the data that goes there; nothing before it was measured. From any thread.
  std::optional<RoundTrip> round_trip() const;
  std::uint64_t bytes_received() const { return bytes_received_.load(std::memory_order_relaxed); }

 private:
  Status failure(const char* what, int system_error) const;
  Status end_of_stream() const;

  UniqueFd fd_;
  std::atomic<bool> shut_down_{false};
  std::atomic<std::uint64_t> bytes_sent_{0};
  std::atomic<std::uint64_t> bytes_received_{0};
};

}  // namespace pageferry
