// A stream whose peer has said all it ever will, and takes whatever it is sent. Tests and fuzz targets only.
#pragma once

#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "net/stream.h"

namespace pageferry::testing {

class MemoryStream final : public Stream {
 public:
  // `incoming` outlives the stream, which gives `most` bytes of it at a time, at most.
  explicit MemoryStream(std::span<const std::byte> incoming,
                        std::size_t most = std::numeric_limits<std::size_t>::max())
      : incoming_(incoming), most_(most) {}

  std::span<const std::byte> left() const { return incoming_; }
  const std::vector<std::byte>& sent() const { return sent_; }

  // There is none, and nobody polls it: whatever will ever come has come.
  int fd() const override { return -1; }
  bool holds_received() const override { return true; }
  bool peer_closed() override { return incoming_.empty(); }
  void set_send_timeout(std::chrono::milliseconds /*timeout*/) override {}
  void set_send_buffer(int /*bytes*/) override {}
  void end_sending() override {}
  void shutdown() override { incoming_ = {}; }
  std::uint64_t bytes_sent() const override { return sent_.size(); }
  std::uint64_t bytes_received() const override { return received_; }
  std::uint64_t bytes_unacknowledged() const override { return 0; }
  std::optional<RoundTrip> round_trip() const override { return std::nullopt; }
  bool peer_is_local() const override { return true; }

 private:
  Result<std::size_t> send_some(std::span<iovec> parts, Wait /*wait*/) override {
    std::size_t moved = 0;
    for (const iovec& part : parts) {
      const auto* at = static_cast<const std::byte*>(part.iov_base);
      sent_.insert(sent_.end(), at, at + part.iov_len);
      moved += part.iov_len;
    }
    return moved;
  }

  Result<std::size_t> receive_some(std::span<iovec> parts, Wait /*wait*/) override {
    if (incoming_.empty()) return Status(StatusCode::kPeerClosed, "the peer has said everything");
    std::size_t moved = 0;
    for (const iovec& part : parts) {
      const std::size_t bytes = std::min({part.iov_len, incoming_.size(), most_ - moved});
      if (bytes > 0) std::memcpy(part.iov_base, incoming_.data(), bytes);
      incoming_ = incoming_.subspan(bytes);
      moved += bytes;
    }
    received_ += moved;
    return moved;
  }

  std::span<const std::byte> incoming_;
  std::size_t most_;
  std::uint64_t received_ = 0;
  std::vector<std::byte> sent_;
};

}  // namespace pageferry::testing
