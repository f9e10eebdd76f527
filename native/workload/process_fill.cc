#include <fcntl.h>
#include <sys/uio.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>
#include <vector>

#include "os/pagemap.h"
#include "os/unique_fd.h"
#include "workload/captured_fill.h"

namespace pageferry {

namespace {

constexpr std::uint64_t kPagesPerRead = 256;

std::string process_name(int pid) { return "process " + std::to_string(pid); }

// The Status for a failed call on the process, in words that say what to do.
Status process_error(int pid, int error) {
  switch (error) {
    case ENOENT:
    case ESRCH:
      return Status(StatusCode::kInvalidArgument, "no " + process_name(pid) + " is running", error);
    case EACCES:
    case EPERM:
      return Status(StatusCode::kNoPermission,
                    "not allowed to read the memory of " + process_name(pid) +
                        "; run as its user or as root (ptrace permission)",
                    error);
    default:
      return Status::from_errno("reading the memory of " + process_name(pid), error);
  }
}

Result<std::string> read_maps(int pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/maps";
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return process_error(pid, errno);
  std::string text;
  char buffer[16384];
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return process_error(pid, errno);
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
  }
}

// "start-end perms …" in hexadecimal; true for a mapping that its process may read.
bool parse_readable(std::string_view line, AddressRange& range) {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  const char* const stop = line.data() + line.size();
  const auto dash = std::from_chars(line.data(), stop, start, 16);
  if (dash.ec != std::errc() || dash.ptr == stop || *dash.ptr != '-') return false;
  const auto space = std::from_chars(dash.ptr + 1, stop, end, 16);
  if (space.ec != std::errc() || stop - space.ptr < 2 || space.ptr[1] != 'r') return false;
  range = {start, end - start};
  return end > start;
}

std::vector<AddressRange> readable_ranges(std::string_view maps) {
  std::vector<AddressRange> ranges;
  while (!maps.empty()) {
    const std::size_t end = std::min(maps.find('\n'), maps.size() - 1);
    AddressRange range;
    if (parse_readable(maps.substr(0, end), range)) ranges.push_back(range);
    maps.remove_prefix(end + 1);
  }
  return ranges;
}

Result<std::vector<AddressRange>> resident_ranges(int pid) {
  Result<std::string> maps = read_maps(pid);
  if (!maps.ok()) return maps.status();
  Result<Pagemap> pagemap = Pagemap::open_process(pid);
  if (!pagemap.ok()) return process_error(pid, pagemap.status().system_error());
  std::vector<AddressRange> resident;
  for (const AddressRange& range : readable_ranges(maps.value())) {
    Status status = pagemap.value().scan_populated(
        range, [&](AddressRange populated) { resident.push_back(populated); });
    if (!status.ok()) return process_error(pid, status.system_error());
  }
  return resident;
}

// Copies resident pages into [next, end) of the guest, from the front.
class ProcessCopy {
 public:
  ProcessCopy(const GuestMemory& memory, PageRange range, int pid)
      : memory_(memory), pid_(pid), next_(range.first), end_(range.end()) {}

  PageIndex next() const { return next_; }

  Status copy(AddressRange source) {
    std::uint64_t done = 0;
    while (done < source.bytes && next_ < end_) {
      const std::uint64_t pages = std::min((source.bytes - done) / kPageBytes, room());
      Result<std::uint64_t> got = read(source.start + done, pages * kPageBytes);
      if (!got.ok()) return got.status();
      const std::uint64_t whole = got.value() / kPageBytes;
      next_ += whole;
      // A short read stopped at a page that vanished or that nobody may read: leave that one out.
      done += (whole < pages ? whole + 1 : whole) * kPageBytes;
    }
    return Status();
  }

 private:
  // Pages of one engine mapping from next_ on, at most one read's worth.
  std::uint64_t room() const {
    const PageIndex region_end = memory_.region_of(next_).pages().end();
    return std::min({std::min(region_end, end_) - next_, kPagesPerRead});
  }

  // How many bytes came; 0 when the first page cannot be read.
  Result<std::uint64_t> read(std::uint64_t address, std::uint64_t bytes) const {
    const iovec local{memory_.guest_page(next_), bytes};
    const iovec remote{reinterpret_cast<void*>(static_cast<std::uintptr_t>(address)), bytes};
    const ssize_t got = ::process_vm_readv(pid_, &local, 1, &remote, 1, 0);
    if (got >= 0) return static_cast<std::uint64_t>(got);
    if (errno == EFAULT || errno == EIO) return std::uint64_t{0};
    return process_error(pid_, errno);
  }

  const GuestMemory& memory_;
  const int pid_;
  PageIndex next_;
  const PageIndex end_;
};

}  // namespace

Result<std::string> fill_from_process(const GuestMemory& memory, PageRange range, int pid) {
  Result<std::vector<AddressRange>> resident = resident_ranges(pid);
  if (!resident.ok()) return resident.status();
  ProcessCopy copy(memory, range, pid);
  for (const AddressRange& source : resident.value()) {
    if (Status status = copy.copy(source); !status.ok()) return status;
  }
  const std::uint64_t copied = copy.next() - range.first;
  if (copied == 0 && range.count > 0) {
    return Status(StatusCode::kInvalidArgument,
                  process_name(pid) + " has no readable resident memory (a kernel thread?)");
  }
  for (PageIndex page = copy.next(); page < range.end(); ++page) {
    std::memcpy(memory.guest_page(page), memory.guest_page(page - copied), kPageBytes);
  }
  return std::to_string(copied) + " resident pages of " + process_name(pid) +
         (copied < range.count ? ", repeated" : "");
}

}  // namespace pageferry
