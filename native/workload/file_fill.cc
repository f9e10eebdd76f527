#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "os/unique_fd.h"
#include "workload/captured_fill.h"

namespace pageferry {

namespace {

// Reads exactly `bytes` at `offset`.
Status read_at(int fd, std::byte* out, std::size_t bytes, std::uint64_t offset,
               const std::string& path) {
  while (bytes > 0) {
    const ssize_t got = ::pread(fd, out, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Status::from_errno("reading fill file " + path);
    if (got == 0) {
      return Status(StatusCode::kInvalidArgument,
                    "fill file " + path + " shrank while it was read");
    }
    out += got;
    bytes -= static_cast<std::size_t>(got);
    offset += static_cast<std::uint64_t>(got);
  }
  return Status();
}

struct OpenFile {
  UniqueFd fd;
  std::uint64_t bytes;
};

Result<OpenFile> open_file(const std::string& path) {
  // Non-blocking, so that opening a FIFO does not wait for a writer; it is then refused below.
  OpenFile file{UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)), 0};
  if (!file.fd.valid()) return Status::from_errno("opening fill file " + path);
  struct stat info;
  if (::fstat(file.fd.get(), &info) != 0) return Status::from_errno("fstat of fill file " + path);
  if (!S_ISREG(info.st_mode)) {
    return Status(StatusCode::kInvalidArgument, "fill file " + path + " is not a regular file");
  }
  if (info.st_size == 0) {
    return Status(StatusCode::kInvalidArgument,
                  "fill file " + path + " is empty; expected at least one byte");
  }
  file.bytes = static_cast<std::uint64_t>(info.st_size);
  return file;
}

// Bytes [start, start + one page) of the endless repetition of the first `period` bytes of the
// range, which are in place.
void copy_cyclic(const GuestMemory& memory, PageIndex first, std::uint64_t period,
                 std::uint64_t start, std::byte* out) {
  for (std::size_t done = 0; done < kPageBytes;) {
    const std::uint64_t at = (start + done) % period;
    const std::uint64_t in_page = at % kPageBytes;
    const std::size_t bytes = std::min({kPageBytes - done, period - at, kPageBytes - in_page});
    std::memcpy(out + done, memory.guest_page(first + at / kPageBytes) + in_page, bytes);
    done += bytes;
  }
}

}  // namespace

Result<std::string> fill_from_file(const GuestMemory& memory, PageRange range,
                                   const std::string& path) {
  Result<OpenFile> file = open_file(path);
  if (!file.ok()) return file.status();
  const std::uint64_t file_bytes = file.value().bytes;
  for (std::uint64_t i = 0; i < range.count; ++i) {
    std::byte* const out = memory.guest_page(range.first + i);
    const std::uint64_t start = i * kPageBytes;
    const std::uint64_t fresh = start < file_bytes ? std::min(kPageBytes, file_bytes - start) : 0;
    if (fresh > 0) {
      Status status = read_at(file.value().fd.get(), out, fresh, start, path);
      if (!status.ok()) return status;
    }
    // Beyond the file's end the memory repeats what is in place already: of it as many whole files
    // as there are, so that a file of one byte is not copied byte by byte.
    if (fresh < kPageBytes) {
      const std::uint64_t period = std::max(file_bytes, start - start % file_bytes);
      std::byte page[kPageBytes];
      copy_cyclic(memory, range.first, period, start, page);
      std::memcpy(out + fresh, page + fresh, kPageBytes - fresh);
    }
  }
  return std::to_string(std::min(file_bytes, range.count * kPageBytes)) + " bytes of " + path +
         (file_bytes < range.count * kPageBytes ? ", repeated" : "");
}

}  // namespace pageferry
