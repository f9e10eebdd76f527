// A stream that nobody on the way can read or change: TLS 1.3 over another stream, that of the socket.
//
// What is sent is sealed in records of 16 KiB, several of which leave with one system call; what comes is taken from
// the socket as many at a time. When send_available() takes less than it was given, the next send must go on with
// the bytes that it did not take: they may be sealed already, and on their way.
//
// Thread contract: that of a stream.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "net/stream.h"
#include "tls/tls_session.h"

namespace pageferry {

class TlsStream final : public Stream {
 public:
  // After a handshake, of which the session may hold what came behind it. `below` sends without delay.
  TlsStream(StreamPtr below, std::unique_ptr<TlsSession> session);
  // Ends what it sends properly, as far as that takes no waiting.
  ~TlsStream() override;

  // True when the handshake was a short one: the session of an earlier connection went on, or a pre-shared
  // key was used.
  bool resumed() const { return session_->resumed(); }

  int fd() const override { return below_->fd(); }
  bool holds_received() const override;
  bool peer_closed() override;
  void set_send_timeout(std::chrono::milliseconds timeout) override {
    below_->set_send_timeout(timeout);
  }
  void set_send_buffer(int bytes) override { below_->set_send_buffer(bytes); }
  void end_sending() override;
  void shutdown() override { below_->shutdown(); }

  std::uint64_t bytes_sent() const override { return below_->bytes_sent(); }
  std::uint64_t bytes_received() const override { return below_->bytes_received(); }
  std::uint64_t bytes_unacknowledged() const override { return below_->bytes_unacknowledged(); }
  std::optional<RoundTrip> round_trip() const override { return below_->round_trip(); }
  bool peer_is_local() const override { return below_->peer_is_local(); }

 private:
  Result<std::size_t> send_some(std::span<iovec> parts, Wait wait) override;
  Result<std::size_t> receive_some(std::span<iovec> parts, Wait wait) override;

  Result<std::size_t> seal(std::span<const iovec> parts);
  Status flush(Wait wait);
  // As far as that takes no waiting.
  void flush_now();
  void end(Status status);
  Status why(const Status& send_failure);
  Result<std::size_t> open(std::span<iovec> parts);
  bool holds_plaintext();
  Result<std::size_t> fill(Wait wait);

  const StreamPtr below_;
  const std::unique_ptr<TlsSession> session_;
  // Plaintext of parts that do not fill a record each.
  std::array<std::byte, kMaxPlaintextBytes> gathered_;
  // So much of what the next send begins with is sealed already, in the outbox.
  std::size_t sealed_ = 0;
  Status end_;       // how receiving ended, once it has
  Status send_end_;  // how sending did: a record that went out in part cannot be gone on with
};

}  // namespace pageferry
