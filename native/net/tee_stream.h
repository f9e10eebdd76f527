// A stream that also records what it sends and receives.
//
// Thread contract: that of a stream. What it records into is shared by the channels of a migration.
#pragma once

#include <memory>
#include <vector>

#include "net/capture_file.h"
#include "net/stream.h"

namespace pageferry {

class TeeStream final : public Stream {
 public:
  TeeStream(StreamPtr stream, std::shared_ptr<CaptureFile> capture, CaptureFile::Channel channel);

  int fd() const override { return stream_->fd(); }
  bool holds_received() const override { return stream_->holds_received(); }
  bool peer_closed() override { return stream_->peer_closed(); }
  void set_send_timeout(std::chrono::milliseconds timeout) override;
  void set_send_buffer(int bytes) override { stream_->set_send_buffer(bytes); }
  void end_sending() override { stream_->end_sending(); }
  void shutdown() override { stream_->shutdown(); }

  std::uint64_t bytes_sent() const override { return stream_->bytes_sent(); }
  std::uint64_t bytes_received() const override { return stream_->bytes_received(); }
  std::uint64_t bytes_unacknowledged() const override { return stream_->bytes_unacknowledged(); }
  std::optional<RoundTrip> round_trip() const override { return stream_->round_trip(); }
  bool peer_is_local() const override { return stream_->peer_is_local(); }

 private:
  Result<std::size_t> send_some(std::span<iovec> parts, Wait wait) override;
  Result<std::size_t> receive_some(std::span<iovec> parts, Wait wait) override;
  std::span<const std::byte> copied(std::span<const iovec> parts);

  const StreamPtr stream_;
  const std::shared_ptr<CaptureFile> capture_;
  const CaptureFile::Channel channel_;
  std::chrono::milliseconds send_timeout_;
  // What the parts of the next send begin with, and the stream has not taken. The guest may write its pages between two
  // looks at them, and an encrypted stream may have sealed bytes that it has not taken: so a byte is looked at once, and
  // what is sent is what is recorded.
  std::vector<std::byte> copy_;
};

}  // namespace pageferry
