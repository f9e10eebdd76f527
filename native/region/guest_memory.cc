#include "region/guest_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <string>
#include <utility>

#include "os/helpers.h"

namespace pageferry {

namespace {

// The user half of a 47-bit address space; also keeps every sum of sizes far from overflow.
constexpr std::uint64_t kMaxRegionBytes = std::uint64_t{1} << 46;

constexpr std::uint64_t kPrefaultPages = (64u << 20) / kPageBytes;
constexpr unsigned kMostPrefaultThreads = 8;

Status check_size(std::uint64_t bytes) {
  if (bytes > 0 && bytes % kPageBytes == 0 && bytes <= kMaxRegionBytes) return Status();
  return Status(StatusCode::kInvalidArgument,
                "a region's size must be a positive multiple of 4096, at most 64 TiB; got " +
                    std::to_string(bytes));
}

Status check_base(std::uint64_t base) {
  if (base != 0 && base % kPageBytes == 0) return Status();
  return Status(StatusCode::kInvalidArgument,
                "a region must start at an address that is a positive multiple of 4096; got " +
                    std::to_string(base));
}

// A huge page would be tracked, and reported, as one unit.
void forbid_huge_pages(void* start, std::uint64_t bytes) {
  // Fails only where the kernel has no huge pages at all.
  static_cast<void>(::madvise(start, bytes, MADV_NOHUGEPAGE));
}

Result<Mapping> map_for_guest(int fd, std::uint64_t bytes) {
  auto mapping = Mapping::map_shared(fd, bytes);
  if (mapping.ok()) forbid_huge_pages(mapping.value().data(), bytes);
  return mapping;
}

// Huge pages are welcome here, where nothing is tracked; they need this alignment.
Result<Mapping> map_for_engine(int fd, std::uint64_t bytes) {
  return Mapping::map_shared_aligned(fd, bytes, kHugePageBytes);
}

Result<Region> make_shared_region(std::uint64_t bytes) {
  if (Status status = check_size(bytes); !status.ok()) return status;
  Region region;
  region.page_count = bytes / kPageBytes;
  region.memory_fd = UniqueFd(::memfd_create("pageferry-guest", MFD_CLOEXEC));
  if (!region.memory_fd) return Status::from_errno("memfd_create");
  if (::ftruncate(region.memory_fd.get(), static_cast<off_t>(bytes)) != 0) {
    return Status::from_errno("ftruncate of a memfd to " + std::to_string(bytes) + " bytes");
  }
  auto guest = map_for_guest(region.memory_fd.get(), bytes);
  if (!guest.ok()) return guest.status();
  auto engine = map_for_engine(region.memory_fd.get(), bytes);
  if (!engine.ok()) return engine.status();
  region.guest_mapping = std::move(guest.value());
  region.engine_mapping = std::move(engine.value());
  region.guest_base = reinterpret_cast<std::uintptr_t>(region.guest_mapping.data());
  region.engine_base = region.engine_mapping.data();
  return region;
}

// Without this a memfd shorter than it claims to be would end the engine with SIGBUS.
Status check_memory_fd(int fd, std::uint64_t bytes) {
  struct stat info;
  if (::fstat(fd, &info) != 0) return Status::from_errno("fstat of a passed memfd");
  if (static_cast<std::uint64_t>(info.st_size) >= bytes) return Status();
  return Status(StatusCode::kInvalidArgument,
                "a passed memfd holds " + std::to_string(info.st_size) +
                    " bytes, its region needs " + std::to_string(bytes));
}

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

// A process that may not read its own pagemap (it changed its user, or hides from /proc) can still run
// and track a guest with mprotect; calls that need the pagemap then say so.
Pagemap own_pagemap() {
  auto pagemap = Pagemap::open_self();
  return pagemap.ok() ? std::move(pagemap.value()) : Pagemap();
}

Status check_not_empty(std::size_t regions) {
  if (regions > 0) return Status();
  return Status(StatusCode::kInvalidArgument, "a guest needs at least one region");
}

}  // namespace

void GuestMemory::append(Region region) {
  region.first_page = page_count_;
  page_count_ += region.page_count;
  regions_.push_back(std::move(region));
}

Result<std::shared_ptr<GuestMemory>> GuestMemory::create_shared(
    const std::vector<std::uint64_t>& bytes) {
  if (Status status = check_not_empty(bytes.size()); !status.ok()) return status;
  std::shared_ptr<GuestMemory> memory(new GuestMemory());
  for (const std::uint64_t size : bytes) {
    auto region = make_shared_region(size);
    if (!region.ok()) return region.status();
    memory->append(std::move(region.value()));
  }
  memory->pagemap_ = own_pagemap();
  return memory;
}

Result<std::shared_ptr<GuestMemory>> GuestMemory::adopt_private(
    const std::vector<AddressRange>& ranges) {
  if (Status status = check_not_empty(ranges.size()); !status.ok()) return status;
  std::shared_ptr<GuestMemory> memory(new GuestMemory());
  for (const AddressRange range : ranges) {
    if (Status status = check_size(range.bytes); !status.ok()) return status;
    if (Status status = check_base(range.start); !status.ok()) return status;
    Region region;
    region.backing = Backing::kPrivate;
    region.page_count = range.bytes / kPageBytes;
    region.guest_base = range.start;
    region.engine_base = reinterpret_cast<std::byte*>(range.start);
    forbid_huge_pages(region.engine_base, range.bytes);
    memory->append(std::move(region));
  }
  memory->pagemap_ = own_pagemap();
  return memory;
}

Result<std::shared_ptr<GuestMemory>> GuestMemory::adopt_foreign(std::vector<ForeignRegion> regions,
                                                                UniqueFd userfaultfd,
                                                                UniqueFd pagemap) {
  if (Status status = check_not_empty(regions.size()); !status.ok()) return status;
  if (!userfaultfd || !pagemap) {
    return Status(StatusCode::kInvalidArgument,
                  "a guest in another process must pass its userfaultfd and its pagemap");
  }
  std::shared_ptr<GuestMemory> memory(new GuestMemory());
  for (ForeignRegion& foreign : regions) {
    if (Status status = check_size(foreign.bytes); !status.ok()) return status;
    if (Status status = check_base(foreign.guest_base); !status.ok()) return status;
    if (Status status = check_memory_fd(foreign.memory_fd.get(), foreign.bytes); !status.ok()) {
      return status;
    }
    auto engine = map_for_engine(foreign.memory_fd.get(), foreign.bytes);
    if (!engine.ok()) return engine.status();
    Region region;
    region.page_count = foreign.bytes / kPageBytes;
    region.guest_base = foreign.guest_base;
    region.memory_fd = std::move(foreign.memory_fd);
    region.engine_mapping = std::move(engine.value());
    region.engine_base = region.engine_mapping.data();
    memory->append(std::move(region));
  }
  memory->pagemap_ = Pagemap(std::move(pagemap));
  memory->foreign_userfaultfd_ = std::move(userfaultfd);
  return memory;
}

std::uint64_t GuestMemory::bytes() const {
  std::uint64_t total = 0;
  for (const Region& region : regions_) total += region.bytes();
  return total;
}

const Region& GuestMemory::region_of(PageIndex page) const {
  const auto after = std::upper_bound(
      regions_.begin(), regions_.end(), page,
      [](PageIndex wanted, const Region& region) { return wanted < region.first_page; });
  return *std::prev(after);
}

PageLayout GuestMemory::layout() const {
  std::vector<PageIndex> ends;
  for (const Region& region : regions_) ends.push_back(region.pages().end());
  return PageLayout(std::move(ends));
}

std::byte* GuestMemory::engine_page(PageIndex page) const {
  const Region& region = region_of(page);
  return region.engine_base + (page - region.first_page) * region.page_bytes;
}

const std::byte* GuestMemory::page_to_read(PageIndex page) const {
  return local() ? guest_page(page) : engine_page(page);
}

std::byte* GuestMemory::guest_page(PageIndex page) const {
  return reinterpret_cast<std::byte*>(static_cast<std::uintptr_t>(guest_address(page)));
}

std::uint64_t GuestMemory::guest_address(PageIndex page) const {
  const Region& region = region_of(page);
  return region.guest_base + (page - region.first_page) * region.page_bytes;
}

AddressRange GuestMemory::guest_range(PageRange run) const {
  return {guest_address(run.first), run.count * region_of(run.first).page_bytes};
}

PageIndex GuestMemory::page_at(std::uint64_t guest_address) const {
  for (const Region& region : regions_) {
    if (guest_address >= region.guest_base && guest_address - region.guest_base < region.bytes()) {
      return region.first_page + (guest_address - region.guest_base) / region.page_bytes;
    }
  }
  return page_count_;
}

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

Status GuestMemory::populate(PageRange run) const {
  const Region& region = region_of(run.first);
  return pageferry::populate(engine_page(run.first), run.count * region.page_bytes);
}

Status GuestMemory::prefault() const {
  // Clearing pages is what takes the time, and each core clears its own.
  Helpers helpers(Helpers::beside_caller(kMostPrefaultThreads));
  for (const Region& region : regions_) {
    Mutex mutex;
    Status status;
    const std::uint64_t parts = (region.page_count + kPrefaultPages - 1) / kPrefaultPages;
    helpers.run(parts, [&](std::size_t part) {
      {
        const MutexLock lock(mutex);
        if (!status.ok()) return;
      }
      const std::uint64_t at = part * kPrefaultPages;
      const std::uint64_t count = std::min(kPrefaultPages, region.page_count - at);
      Status populated = populate({region.first_page + at, count});
      if (populated.ok()) return;
      const MutexLock lock(mutex);
      status = std::move(populated);
    });
    if (!status.ok()) return status;
  }
  return Status();
}

Status GuestMemory::begin_waits(std::function<void()> release) const {
  const MutexLock lock(waiters_mutex_);
  if (open_to_agent_) {
    return Status(
        StatusCode::kUnsupported,
        "the agent's own JavaScript thread has a window of this guest's memory, and must not "
        "wait for its pages: run the guest in a Worker and give it a workerWindow()");
  }
  release_waiters_ = std::move(release);
  return Status();
}

void GuestMemory::end_waits() const {
  const MutexLock lock(waiters_mutex_);
  release_waiters_ = nullptr;
}

Status GuestMemory::open_to_agent() const {
  const MutexLock lock(waiters_mutex_);
  if (release_waiters_) {
    return Status(
        StatusCode::kUnsupported,
        "pages of this guest are still on their way, and the agent's own JavaScript thread must "
        "not wait for them: run the guest in a Worker and give it a workerWindow()");
  }
  open_to_agent_ = true;
  return Status();
}

bool GuestMemory::is_open_to_agent() const {
  const MutexLock lock(waiters_mutex_);
  return open_to_agent_;
}

void GuestMemory::release_waiters() const {
  const MutexLock lock(waiters_mutex_);
  if (release_waiters_) release_waiters_();
}

Result<UserFaultFd> GuestMemory::open_userfaultfd(const UserFaultFd::Features& wanted,
                                                  FaultSource needed) const {
  if (local()) return UserFaultFd::open(wanted, needed);
  UniqueFd copy(::fcntl(foreign_userfaultfd_.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) return Status::from_errno("duplicating the guest's userfaultfd");
  return UserFaultFd::adopt(std::move(copy), wanted);
}

}  // namespace pageferry
