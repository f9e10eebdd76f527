// Which pages of a guest's memory hold something: the part of GuestMemory that asks the kernel.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "region/guest_memory.h"

namespace pageferry {

namespace {

off_t file_offset(const Region& region, PageIndex page) {
  return static_cast<off_t>((page - region.first_page) * region.page_bytes);
}

PageIndex page_at_offset(const Region& region, off_t offset) {
  return region.first_page + static_cast<std::uint64_t>(offset) / region.page_bytes;
}

// The first page of the range that holds data in the region's memfd, or range.end().
Result<PageIndex> next_data(const Region& region, PageRange range) {
  const off_t data = ::lseek(region.memory_fd.get(), file_offset(region, range.first), SEEK_DATA);
  if (data < 0 && errno == ENXIO) return range.end();
  if (data < 0) return Status::from_errno("lseek(SEEK_DATA) in guest memory");
  return std::min(range.end(), page_at_offset(region, data));
}

// Calls visit for each run of pages of the range that hold data in the region's memfd.
Status for_each_data_run(const Region& region, PageRange range,
                         const std::function<void(PageRange)>& visit) {
  while (range.count > 0) {
    auto data = next_data(region, range);
    if (!data.ok()) return data.status();
    if (data.value() == range.end()) return Status();
    const off_t hole =
        ::lseek(region.memory_fd.get(), file_offset(region, data.value()), SEEK_HOLE);
    // A hole was punched between the two calls and reaches the file's end: nothing is left.
    if (hole < 0 && errno == ENXIO) return Status();
    if (hole < 0) return Status::from_errno("lseek(SEEK_HOLE) in guest memory");
    const PageIndex end = std::min(range.end(), page_at_offset(region, hole));
    if (end > data.value()) visit({data.value(), end - data.value()});
    const PageIndex next = std::max(end, data.value() + 1);
    range = {next, range.end() - next};
  }
  return Status();
}

// How much of a region's memfd is there. The kernel keeps count, so this costs one call.
Result<std::uint64_t> file_data_bytes(const Region& region) {
  struct stat info;
  if (::fstat(region.memory_fd.get(), &info) != 0) return Status::from_errno("fstat of a memfd");
  return static_cast<std::uint64_t>(info.st_blocks) * 512;
}

// True only if every page is there; a memfd that is larger than its region never says so.
bool has_no_holes(const Region& region) {
  struct stat info;
  return ::fstat(region.memory_fd.get(), &info) == 0 &&
         static_cast<std::uint64_t>(info.st_size) == region.bytes() &&
         static_cast<std::uint64_t>(info.st_blocks) * 512 >= region.bytes();
}

// Calls visit for the parts of the range that hold the pages looked for, leaving out what is longer than a page
// table and holds none: shorter gaps cost less than another call. `begin_of` and `end_of` answer where the next
// run of such pages begins, and where the one that begins there ends. `visit` may change the set within its part.
template <class BeginOf, class EndOf, class Visit>
void for_each_stretch(PageRange range, BeginOf begin_of, EndOf end_of, Visit visit) {
  constexpr std::uint64_t kWorthACall = 512;
  for (PageIndex first = begin_of(range.first); first < range.end();) {
    PageIndex end = first;
    PageIndex next = first;
    do {
      end = end_of(next);
      next = begin_of(end);
    } while (next < range.end() && next - end < kWorthACall);
    visit(PageRange{first, end - first});
    first = next;
  }
}

template <class Visit>
void for_each_stretch_with(const PageBitmap& pages, PageRange range, Visit visit) {
  for_each_stretch(
      range, [&](PageIndex from) { return pages.next_set(from, range.end()); },
      [&](PageIndex from) { return pages.next_clear(from, range.end()); }, visit);
}

template <class Visit>
void for_each_stretch_without(const PageBitmap& pages, PageRange range, Visit visit) {
  for_each_stretch(
      range, [&](PageIndex from) { return pages.next_clear(from, range.end()); },
      [&](PageIndex from) { return pages.next_set(from, range.end()); }, visit);
}

}  // namespace

Result<std::uint64_t> GuestMemory::allocated_bytes() const {
  std::uint64_t bytes = 0;
  for (const Region& region : regions_) {
    if (region.backing != Backing::kShared) continue;
    const auto held = file_data_bytes(region);
    if (!held.ok()) return held.status();
    bytes += std::min(held.value(), region.bytes());
  }
  return bytes;
}

Result<std::uint64_t> GuestMemory::populated_bytes() const {
  const auto allocated = allocated_bytes();
  if (!allocated.ok()) return allocated.status();
  std::uint64_t bytes = allocated.value();
  for (const Region& region : regions_) {
    if (region.backing == Backing::kShared) continue;
    const Status scanned = pagemap_.scan_populated(region.guest_range(),
                                                   [&](AddressRange run) { bytes += run.bytes; });
    if (!scanned.ok()) return scanned;
  }
  return bytes;
}

Status GuestMemory::find_populated(PageBitmap& populated) const {
  Status status;
  for_each_region(populated.all(), [&](const Region&, PageRange pages) {
    for_each_stretch_without(populated, pages, [&](PageRange stretch) {
      if (!status.ok()) return;
      status = for_each_populated_run(stretch, [&](PageRange run) { populated.set_range(run); });
    });
  });
  return status;
}

Status GuestMemory::for_each_populated_run(PageRange range,
                                           const std::function<void(PageRange)>& visit) const {
  Status status;
  for_each_region(range, [&](const Region& region, PageRange part) {
    if (!status.ok()) return;
    const auto visit_addresses = [&](AddressRange run) {
      visit({region.first_page + (run.start - region.guest_base) / region.page_bytes,
             run.bytes / region.page_bytes});
    };
    status = region.backing == Backing::kShared
                 ? for_each_run_with_data(region, part, visit)
                 : pagemap_.scan_populated(guest_range(part), visit_addresses);
  });
  return status;
}

// What the guest has mapped is there; the pagemap says so fifteen times as fast as the memfd. The
// memfd is asked about the rest, and about everything where the pagemap says nothing.
Status GuestMemory::for_each_run_with_data(const Region& region, PageRange part,
                                           const std::function<void(PageRange)>& visit) const {
  if (has_no_holes(region)) {
    visit(part);
    return Status();
  }
  Status status;
  PageIndex at = part.first;
  const auto ask_file = [&](PageIndex end) {
    if (status.ok() && at < end) status = for_each_data_run(region, {at, end - at}, visit);
  };
  static_cast<void>(pagemap_.scan_present(guest_range(part), [&](AddressRange run) {
    const PageIndex first = region.first_page + (run.start - region.guest_base) / region.page_bytes;
    ask_file(first);
    if (!status.ok()) return;
    at = first + run.bytes / region.page_bytes;
    visit({first, at - first});
  }));
  ask_file(part.end());
  return status;
}

// A page that is not in core may be swapped out: such pages are looked at more closely.
Status GuestMemory::find_holes(const PageBitmap& among, PageBitmap& holes) const {
  PageBitmap suspects(page_count_);
  Status status;
  for_each_region(among.all(), [&](const Region& region, PageRange pages) {
    if (region.backing == Backing::kShared && has_no_holes(region)) return;
    for_each_stretch_with(among, pages, [&](PageRange stretch) {
      for_each_run_not_in_core(region, stretch, [&](PageRange run) {
        among.for_each_run(run, [&](PageRange part) { suspects.set_range(part); });
      });
    });
    for_each_stretch_with(suspects, pages, [&](PageRange stretch) {
      const Status asked =
          for_each_populated_run(stretch, [&](PageRange run) { suspects.clear_range(run); });
      if (!asked.ok()) status = asked;
    });
  });
  if (status.ok()) holes.merge(suspects);
  return status;
}

// Where the kernel does not say, nothing counts as in core.
void GuestMemory::for_each_run_not_in_core(const Region& region, PageRange part,
                                           const std::function<void(PageRange)>& visit) const {
  std::array<unsigned char, 4096> in_core;
  const bool by_guest = local();  // Its page tables are filled, the engine mapping's may not be.
  while (part.count > 0) {
    const std::uint64_t count = std::min<std::uint64_t>(part.count, in_core.size());
    std::byte* start = by_guest ? guest_page(part.first) : engine_page(part.first);
    if (::mincore(start, count * region.page_bytes, in_core.data()) != 0) in_core.fill(0);
    for (std::uint64_t i = 0; i < count; ++i) {
      if (!(in_core[i] & 1)) visit({part.first + i, 1});
    }
    part = {part.first + count, part.count - count};
  }
}

Result<PageIndex> GuestMemory::next_populated(PageRange range) const {
  Result<PageIndex> found = range.end();
  for_each_region(range, [&](const Region& region, PageRange part) {
    if (!found.ok() || found.value() != range.end()) return;
    auto next = next_data(region, part);
    if (!next.ok() || next.value() < part.end()) found = std::move(next);
  });
  return found;
}

}  // namespace pageferry
