#include "os/pagemap.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "os/kernel_abi.h"
#include "os/mapping.h"

namespace pageferry {

namespace {

constexpr std::uint64_t kKernelPageBytes = 4096;
constexpr std::uint64_t kEntryPresent = std::uint64_t{1} << 63;
constexpr std::uint64_t kEntrySwapped = std::uint64_t{1} << 62;
constexpr std::uint64_t kEntryProtected = std::uint64_t{1} << 57;
constexpr std::uint64_t kEntrySoftDirty = std::uint64_t{1} << 55;

Result<Pagemap> open_path(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return Status::from_errno("open of " + path);
  return Pagemap(std::move(fd));
}

// Runs the scan that `request` describes over the range, in as many system calls as its runs need.
// Without `visit` the kernel returns no runs.
Status scan(int fd, pm_scan_arg request, AddressRange range, const Pagemap::VisitRun& visit) {
  if (fd < 0) {
    return Status(StatusCode::kNoPermission,
                  "the pagemap of the guest's process could not be opened: see that "
                  "/proc/PID/pagemap is readable for this user");
  }
  std::array<page_region, 256> found;
  const std::uint64_t end = range.start + range.bytes;
  request.size = sizeof(request);
  if (visit) {
    request.vec = reinterpret_cast<std::uintptr_t>(found.data());
    request.vec_len = found.size();
  }
  request.end = end;
  for (std::uint64_t at = range.start; at < end; at = request.walk_end) {
    request.start = at;
    const int count = ::ioctl(fd, PAGEMAP_SCAN, &request);
    if (count < 0) return Status::from_errno("PAGEMAP_SCAN");
    for (int i = 0; i < count; ++i) {
      visit({found[i].start, found[i].end - found[i].start});
    }
  }
  return Status();
}

bool is_populated(std::uint64_t entry) { return entry & (kEntryPresent | kEntrySwapped); }

// The same without PAGEMAP_SCAN: reads one entry for each page.
Status read_entries(int fd, AddressRange range, bool (*matches)(std::uint64_t entry),
                    const Pagemap::VisitRun& visit) {
  std::array<std::uint64_t, 512> entries;
  const std::uint64_t end = range.start + range.bytes;
  AddressRange run{range.start, 0};
  for (std::uint64_t at = range.start; at < end;) {
    const std::uint64_t wanted = std::min((end - at) / kKernelPageBytes, entries.size());
    const ssize_t got = ::pread(fd, entries.data(), wanted * sizeof(entries[0]),
                                static_cast<off_t>(at / kKernelPageBytes * sizeof(entries[0])));
    if (got <= 0) return Status::from_errno("read of pagemap", got < 0 ? errno : EIO);
    for (std::size_t i = 0; i < static_cast<std::size_t>(got) / sizeof(entries[0]); ++i) {
      if (matches(entries[i])) {
        if (run.bytes == 0) run.start = at;
        run.bytes += kKernelPageBytes;
      } else if (run.bytes != 0) {
        visit(std::exchange(run, {}));
      }
      at += kKernelPageBytes;
    }
  }
  if (run.bytes != 0) visit(run);
  return Status();
}

}  // namespace

Result<Pagemap> Pagemap::open_self() { return open_path("/proc/self/pagemap"); }

Result<Pagemap> Pagemap::open_process(int pid) {
  return open_path("/proc/" + std::to_string(pid) + "/pagemap");
}

Status Pagemap::scan_written(AddressRange range, Rearm rearm, Unmapped unmapped,
                             const VisitRun& on_written) const {
  pm_scan_arg request{};
  request.flags = PM_SCAN_CHECK_WPASYNC;
  if (rearm == Rearm::kYes) request.flags |= PM_SCAN_WP_MATCHING;
  request.category_mask = PAGE_IS_WRITTEN;
  request.return_mask = PAGE_IS_WRITTEN;
  // Without a further category the kernel takes its short path, in which an empty entry of a page
  // table counts as written; with one, only pages that exist can match.
  if (unmapped == Unmapped::kClean) {
    request.category_anyof_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED;
  }
  return scan(fd_.get(), request, range, on_written);
}

// A scan that is given no room for results goes through the page tables without looking at what it
// finds there.
Status Pagemap::write_protect(AddressRange range) const {
  pm_scan_arg request{};
  request.flags = PM_SCAN_CHECK_WPASYNC | PM_SCAN_WP_MATCHING;
  return scan(fd_.get(), request, range, {});
}

Status Pagemap::scan_present(AddressRange range, const VisitRun& on_present) const {
  pm_scan_arg request{};
  request.category_mask = PAGE_IS_PRESENT;
  request.return_mask = PAGE_IS_PRESENT;
  return scan(fd_.get(), request, range, on_present);
}

Status Pagemap::scan_populated(AddressRange range, const VisitRun& on_populated) const {
  pm_scan_arg request{};
  request.category_mask = PAGE_IS_PFNZERO;
  request.category_inverted = PAGE_IS_PFNZERO;
  request.category_anyof_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED;
  request.return_mask = PAGE_IS_PRESENT;
  Status status = scan(fd_.get(), request, range, on_populated);
  if (status.system_error() != ENOTTY) return status;
  return read_entries(fd_.get(), range, is_populated, on_populated);
}

Status Pagemap::scan_unprotected(AddressRange range, const VisitRun& on_unprotected) const {
  pm_scan_arg request{};
  request.category_mask = PAGE_IS_WRITTEN;
  request.category_anyof_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED;
  request.return_mask = PAGE_IS_WRITTEN;
  Status status = scan(fd_.get(), request, range, on_unprotected);
  if (status.system_error() != ENOTTY) return status;
  return read_entries(
      fd_.get(), range,
      [](std::uint64_t entry) { return is_populated(entry) && !(entry & kEntryProtected); },
      on_unprotected);
}

Status Pagemap::scan_soft_dirty(AddressRange range, const VisitRun& on_written) const {
  return read_entries(
      fd_.get(), range,
      [](std::uint64_t entry) { return is_populated(entry) && (entry & kEntrySoftDirty); },
      on_written);
}

Status Pagemap::clear_soft_dirty(int pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/clear_refs";
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return Status::from_errno("open of " + path);
  const char soft_dirty = '4';
  if (::write(fd.get(), &soft_dirty, 1) != 1) return Status::from_errno("write to " + path);
  return Status();
}

bool Pagemap::soft_dirty_is_offered() {
  Result<Pagemap> pagemap = open_self();
  Result<Mapping> mapping = Mapping::map_anonymous(kKernelPageBytes);
  if (!pagemap.ok() || !mapping.ok()) return false;
  std::byte* const page = mapping.value().data();
  const AddressRange range{reinterpret_cast<std::uintptr_t>(page), kKernelPageBytes};
  const auto is_dirty = [&] {
    bool dirty = false;
    return pagemap.value().scan_soft_dirty(range, [&](AddressRange) { dirty = true; }).ok() &&
           dirty;
  };
  const auto write_page = [&] { *const_cast<volatile std::byte*>(page) = std::byte{1}; };
  write_page();
  if (!clear_soft_dirty(::getpid()).ok() || is_dirty()) return false;
  write_page();
  return is_dirty();
}

bool Pagemap::scan_is_offered() {
  auto pagemap = open_self();
  if (!pagemap.ok()) return false;
  pm_scan_arg request{};
  request.size = sizeof(request);
  request.return_mask = PAGE_IS_PRESENT;
  return ::ioctl(pagemap.value().fd_.get(), PAGEMAP_SCAN, &request) >= 0;
}

bool Pagemap::write_protect_is_async(AddressRange range) const {
  return scan_written({range.start, kKernelPageBytes}, Rearm::kNo, Unmapped::kClean,
                      [](AddressRange) {})
      .ok();
}

}  // namespace pageferry
