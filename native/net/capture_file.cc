#include "net/capture_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <utility>

namespace pageferry {

namespace {

constexpr std::size_t kMostBlockBytes = 1u << 20;
constexpr std::size_t kWrittenAtOnce = 1u << 20;
constexpr mode_t kOwnerAlone = S_IRUSR | S_IWUSR;

static_assert(std::endian::native == std::endian::little, "heads are written in place");

struct Head {
  std::array<char, 8> magic = {'P', 'G', 'F', 'C', 'A', 'P', 'T', '\n'};
  std::uint16_t version = 1;
  CaptureFile::Side side;
  std::array<std::uint8_t, 5> reserved = {};
  std::uint64_t started_ms;
};
static_assert(sizeof(Head) == 24);

// All zeros: the end.
struct BlockHead {
  std::uint8_t role;
  std::uint8_t direction;
  std::uint16_t number;
  std::uint32_t length;
};
static_assert(sizeof(BlockHead) == 8);

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

std::uint64_t now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

Status write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Status::from_errno("write the capture");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return Status();
}

}  // namespace

Result<std::shared_ptr<CaptureFile>> CaptureFile::create(const std::string& path, Side side) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kOwnerAlone));
  if (!fd) return Status::from_errno("open " + path);
  const Head head = {.side = side, .started_ms = now_ms()};
  if (Status written = write_all(fd.get(), bytes_of(head)); !written.ok()) return written;
  return std::shared_ptr<CaptureFile>(new CaptureFile(std::move(fd), side));
}

CaptureFile::CaptureFile(UniqueFd fd, Side side) : side_(side), fd_(std::move(fd)) {
  buffer_.reserve(kWrittenAtOnce + sizeof(BlockHead) + kMostBlockBytes);
}

void CaptureFile::record_received(Channel channel, std::span<const std::byte> bytes) {
  const MutexLock lock(mutex_);
  append(channel, receiving(), bytes);
}

void CaptureFile::append(Channel channel, Direction direction, std::span<const std::byte> bytes) {
  while (fd_.valid() && !bytes.empty()) {
    const auto block = bytes.first(std::min(bytes.size(), kMostBlockBytes));
    append_block(channel, direction, block);
    bytes = bytes.subspan(block.size());
  }
}

void CaptureFile::append_block(Channel channel, Direction direction,
                               std::span<const std::byte> bytes) {
  const BlockHead head = {.role = static_cast<std::uint8_t>(channel.role),
                          .direction = static_cast<std::uint8_t>(direction),
                          .number = channel.number,
                          .length = static_cast<std::uint32_t>(bytes.size())};
  const auto head_bytes = bytes_of(head);
  buffer_.insert(buffer_.end(), head_bytes.begin(), head_bytes.end());
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  if (buffer_.size() >= kWrittenAtOnce) write_out();
}

void CaptureFile::write_out() {
  failure_ = write_all(fd_.get(), buffer_);
  buffer_.clear();
  if (!failure_.ok()) fd_.reset();
}

Status CaptureFile::close() {
  const MutexLock lock(mutex_);
  if (!fd_.valid()) return failure_;
  const BlockHead end = {};
  const auto end_bytes = bytes_of(end);
  buffer_.insert(buffer_.end(), end_bytes.begin(), end_bytes.end());
  write_out();
  fd_.reset();
  return failure_;
}

}  // namespace pageferry
