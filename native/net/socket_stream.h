// A connected TCP or Unix-domain socket.
#pragma once

#include <atomic>
#include <chrono>

#include "net/address.h"
#include "net/stream.h"
#include "os/unique_fd.h"

namespace pageferry {

class SocketStream final : public Stream {
 public:
  explicit SocketStream(UniqueFd fd) : fd_(std::move(fd)) {}
  // Nobody uses the other one.
  SocketStream(SocketStream&& other) noexcept;

  // Connects to the first address that answers within `timeout`.
  static Result<SocketStream> connect(const Address& address, std::chrono::milliseconds timeout);

  int fd() const override { return fd_.get(); }
  bool holds_received() const override { return false; }
  bool peer_closed() override;
  void set_send_timeout(std::chrono::milliseconds timeout) override;
  void set_send_buffer(int bytes) override;
  void end_sending() override;
  void shutdown() override;

  std::uint64_t bytes_sent() const override { return bytes_sent_.load(std::memory_order_relaxed); }
  std::uint64_t bytes_received() const override {
    return bytes_received_.load(std::memory_order_relaxed);
  }
  std::uint64_t bytes_unacknowledged() const override;
  std::optional<RoundTrip> round_trip() const override;
  // Both ends have the same address, or it is a loopback address, or a Unix-domain socket.
  bool peer_is_local() const override;

  // What every channel of a migration wants: no waiting for more bytes, since a sync behind a small record would wait
  // 40 ms for a delayed acknowledgement; and on one host no pacing (bbr does), which only adds waiting there.
  void tune();

 private:
  Result<std::size_t> send_some(std::span<iovec> parts, Wait wait) override;
  Result<std::size_t> receive_some(std::span<iovec> parts, Wait wait) override;
  Result<std::size_t> outcome(const char* what, ssize_t moved, Wait wait,
                              std::atomic<std::uint64_t>& count) const;
  Status failure(const char* what, int system_error) const;
  Status end_of_stream() const;

  UniqueFd fd_;
  std::atomic<bool> shut_down_{false};
  std::atomic<std::uint64_t> bytes_sent_{0};
  std::atomic<std::uint64_t> bytes_received_{0};
};

}  // namespace pageferry
