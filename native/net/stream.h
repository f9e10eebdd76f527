// Bytes both ways, in order: what every channel of a migration runs over.
//
// Thread contract: one thread at a time sends or receives. shutdown() and the counts may come from any
// thread. shutdown() makes a call under way and every later one return kCancelled at once; the descriptor stays
// open until the object dies, so that a thread inside a call never touches another file.
#pragma once

#include <sys/uio.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "os/round_trip.h"
#include "os/status.h"

namespace pageferry {

class Stream {
 public:
  // How long a call waits: not at all, until it can move the first byte, or for as much as it was given.
  enum class Wait : std::uint8_t { kNo, kForSome, kForAll };

  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;

  // Sends everything, advancing through `parts` (which it changes). kTimedOut when nothing moved for
  // the send timeout. After a failure some of it may have gone out.
  Status send_all(std::span<iovec> parts);
  Status send_all(const void* data, std::size_t bytes);
  // Sends what can go out without waiting; answers how many bytes that were, 0 when none.
  Result<std::size_t> send_available(const void* data, std::size_t bytes);

  // Receives exactly what `parts` hold (which it changes). kPeerClosed when the peer closes before.
  Status receive_all(std::span<iovec> parts);
  Status receive_all(void* data, std::size_t bytes);
  // As receive_all, with kTimedOut when it takes longer than `timeout` altogether.
  Status receive_all_within(void* data, std::size_t bytes, std::chrono::milliseconds timeout);
  // Receives what is there, at most `bytes`, without waiting; 0 when there is nothing. kPeerClosed at the
  // end of the stream.
  Result<std::size_t> receive_available(void* data, std::size_t bytes);
  // The same, but waits while there is nothing.
  Result<std::size_t> receive_first(void* data, std::size_t bytes);

  // What to poll() for POLLIN before receive_available(), unless holds_received().
  virtual int fd() const = 0;
  // Bytes have been taken from the descriptor and not been received yet, so that poll() does not tell of them.
  virtual bool holds_received() const = 0;
  // True when the peer has ended the stream and everything it sent was received.
  virtual bool peer_closed() = 0;

  // A send that makes no progress for this long fails.
  virtual void set_send_timeout(std::chrono::milliseconds timeout) = 0;
  // So many bytes at most that were sent and not acknowledged yet; best effort.
  virtual void set_send_buffer(int bytes) = 0;
  // Tells the peer that nothing more is sent. What it sends can still be received.
  virtual void end_sending() = 0;
  virtual void shutdown() = 0;

  // On the wire: what encryption adds is counted, the headers of the network are not.
  virtual std::uint64_t bytes_sent() const = 0;
  virtual std::uint64_t bytes_received() const = 0;
  // Of those sent, what the peer's kernel has not acknowledged yet.
  virtual std::uint64_t bytes_unacknowledged() const = 0;
  // Of the data that goes there; nothing before it was measured.
  virtual std::optional<RoundTrip> round_trip() const = 0;
  // True while the peer is on this host, as far as that can be told.
  virtual bool peer_is_local() const = 0;

 protected:
  // Each moves some of the parts, the first of which is not empty, and answers how much; 0 with kNo where it would
  // have to wait, and with any where a signal came between. With kForAll it may move less than all, too.
  virtual Result<std::size_t> send_some(std::span<iovec> parts, Wait wait) = 0;
  virtual Result<std::size_t> receive_some(std::span<iovec> parts, Wait wait) = 0;
};

using StreamPtr = std::unique_ptr<Stream>;

}  // namespace pageferry
