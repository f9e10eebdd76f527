// A file that holds what one process sends and receives for one migration (docs/capture-format.md).
//
// Thread contract: everything from any thread. The order of the blocks is that of the calls; `send` of record_sent() is
// called within its turn, so that nothing that answers those bytes is recorded before them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "os/mutex.h"
#include "os/status.h"
#include "os/unique_fd.h"

namespace pageferry {

class CaptureFile {
 public:
  // The numbers are those of the file.
  enum class Side : std::uint8_t { kSource = 1, kDestination = 2 };
  enum class Direction : std::uint8_t { kToDestination = 1, kToSource = 2 };
  enum class Role : std::uint8_t { kControl = 1, kPage = 2, kFault = 3 };
  struct Channel {
    Role role;
    std::uint16_t number;
  };

  // Makes the file, or empties the one that is there; only its owner may read it. It ends before its file system has
  // less than `reserve` bytes free, and is refused where that is so already.
  static Result<std::shared_ptr<CaptureFile>> create(const std::string& path, Side side,
                                                     std::uint64_t reserve);
  ~CaptureFile() { (void)close(); }

  // What this side sends goes there; what it receives comes the other way.
  Direction sending() const {
    return side_ == Side::kSource ? Direction::kToDestination : Direction::kToSource;
  }
  Direction receiving() const {
    return side_ == Side::kSource ? Direction::kToSource : Direction::kToDestination;
  }

  void record_received(Channel channel, std::span<const std::byte> bytes) EXCLUDES(mutex_);

  // `send(bytes)` must not wait. It answers how many of them, the first ones, it has sent: they are recorded.
  template <class Send>
  Result<std::size_t> record_sent(Channel channel, std::span<const std::byte> bytes, Send send)
      EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    Result<std::size_t> sent = send(bytes);
    if (sent.ok()) append(channel, sending(), bytes.first(sent.value()));
    return sent;
  }

  // Ends the file; what comes later is not recorded. Answers what kept the file from being whole. Idempotent.
  Status close() EXCLUDES(mutex_);

 private:
  CaptureFile(UniqueFd fd, Side side, std::uint64_t reserve);

  void append(Channel channel, Direction direction, std::span<const std::byte> bytes)
      REQUIRES(mutex_);
  void append_block(Channel channel, Direction direction, std::span<const std::byte> bytes)
      REQUIRES(mutex_);
  void write_out() REQUIRES(mutex_);

  const Side side_;
  const std::uint64_t reserve_;
  Mutex mutex_;
  UniqueFd fd_ GUARDED_BY(mutex_);  // invalid once the capture has ended
  Status failure_ GUARDED_BY(mutex_);
  // Never grows beyond the room that it is given at first.
  std::vector<std::byte> buffer_ GUARDED_BY(mutex_);
};

}  // namespace pageferry
