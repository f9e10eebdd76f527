#include "region/guest_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
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
