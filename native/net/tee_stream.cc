#include "net/tee_stream.h"

#include <algorithm>
#include <utility>

#include "os/wait_for.h"

namespace pageferry {

namespace {

constexpr std::size_t kCopiedAtOnce = 256u << 10;
// Until it is told otherwise, and for what is received.
constexpr std::chrono::milliseconds kForEver = std::chrono::hours(24 * 365);

}  // namespace

TeeStream::TeeStream(StreamPtr stream, std::shared_ptr<CaptureFile> capture,
                     CaptureFile::Channel channel)
    : stream_(std::move(stream)),
      capture_(std::move(capture)),
      channel_(channel),
      send_timeout_(kForEver) {
  copy_.reserve(kCopiedAtOnce);
}

void TeeStream::set_send_timeout(std::chrono::milliseconds timeout) {
  send_timeout_ = timeout;
  stream_->set_send_timeout(timeout);
}

// Of these parts as many as are sent at once: those that were copied before, and the ones behind them.
std::span<const std::byte> TeeStream::copied(std::span<const iovec> parts) {
  std::size_t before = copy_.size();
  std::size_t all = 0;
  for (const iovec& part : parts) {
    all += part.iov_len;
    const std::size_t known = std::min(part.iov_len, before);
    before -= known;
    const auto* from = static_cast<const std::byte*>(part.iov_base) + known;
    const std::size_t bytes = std::min(part.iov_len - known, kCopiedAtOnce - copy_.size());
    copy_.insert(copy_.end(), from, from + bytes);
  }
  return std::span(copy_).first(std::min(copy_.size(), all));
}

Result<std::size_t> TeeStream::send_some(std::span<iovec> parts, Wait wait) {
  const auto bytes = copied(parts);
  // One that waits has no turn in the capture: the other channels go on.
  while (true) {
    auto sent = capture_->record_sent(channel_, bytes, [this](std::span<const std::byte> some) {
      return stream_->send_available(some.data(), some.size());
    });
    if (sent.ok() && sent.value() > 0) {
      copy_.erase(copy_.begin(), copy_.begin() + static_cast<std::ptrdiff_t>(sent.value()));
      return sent;
    }
    if (!sent.ok() || wait == Wait::kNo) return sent;
    const Status room =
        wait_for_room(stream_->fd(), "send", Deadline::clock::now() + send_timeout_);
    if (room.code() == StatusCode::kTimedOut) {
      return Status(StatusCode::kTimedOut, "send: the peer takes nothing any more");
    }
    if (!room.ok()) return room;
  }
}

Result<std::size_t> TeeStream::receive_some(std::span<iovec> parts, Wait wait) {
  auto* into = static_cast<std::byte*>(parts.front().iov_base);
  while (true) {
    auto received = stream_->receive_available(into, parts.front().iov_len);
    if (!received.ok()) return received;
    if (received.value() > 0) {
      capture_->record_received(channel_, {into, received.value()});
      return received;
    }
    if (wait == Wait::kNo) return received;
    const Status input =
        wait_for_input(stream_->fd(), "receive", Deadline::clock::now() + kForEver);
    if (!input.ok()) return input;
  }
}

}  // namespace pageferry
