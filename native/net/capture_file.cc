#include "net/capture_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
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
// Whoever may connect can have a file made each time. So many more than that stay possible.
constexpr fsfilcnt_t kFilesInReserve = 1000;

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

// What is none, a pipe or a device, takes no room.
bool is_regular(int fd) {
  struct stat file = {};
  return ::fstat(fd, &file) == 0 && S_ISREG(file.st_mode);
}

// Fails where so many bytes more would leave the file system less than the reserve.
Status check_reserve(int fd, std::uint64_t bytes, std::uint64_t reserve) {
  if (!is_regular(fd)) return Status();
  struct statvfs system = {};
  if (::fstatvfs(fd, &system) != 0) return Status::from_errno("fstatvfs of the capture");
  const std::uint64_t free = std::uint64_t{system.f_bavail} * system.f_frsize;
  if (free >= bytes && free - bytes >= reserve) return Status();
  return Status(StatusCode::kSystem,
                "its disk has " + std::to_string(free >> 20) + " MiB left, and " +
                    std::to_string(reserve >> 20) + " MiB are to stay free",
                ENOSPC);
}

// Of one that is about to begin.
Status check_room(int fd, std::uint64_t reserve) {
  if (Status room = check_reserve(fd, sizeof(Head), reserve); !room.ok()) return room;
  struct statvfs system = {};
  if (reserve == 0 || !is_regular(fd) || ::fstatvfs(fd, &system) != 0) return Status();
  // A file system without a fixed number of files says 0.
  if (system.f_files == 0 || system.f_favail >= kFilesInReserve) return Status();
  return Status(StatusCode::kSystem, "its disk can hold hardly any more files", ENOSPC);
}

}  // namespace

Result<std::shared_ptr<CaptureFile>> CaptureFile::create(const std::string& path, Side side,
                                                         std::uint64_t reserve) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kOwnerAlone));
  if (!fd) return Status::from_errno("open " + path);
  Status ready = check_room(fd.get(), reserve);
  const Head head = {.side = side, .started_ms = now_ms()};
  if (ready.ok()) ready = write_all(fd.get(), bytes_of(head));
  if (!ready.ok()) {
    // An empty file is no capture. A device stays.
    if (is_regular(fd.get())) ::unlink(path.c_str());
    return ready;
  }
  return std::shared_ptr<CaptureFile>(new CaptureFile(std::move(fd), side, reserve));
}

CaptureFile::CaptureFile(UniqueFd fd, Side side, std::uint64_t reserve)
    : side_(side), reserve_(reserve), fd_(std::move(fd)) {
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
  failure_ = check_reserve(fd_.get(), buffer_.size(), reserve_);
  if (failure_.ok()) failure_ = write_all(fd_.get(), buffer_);
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
