// Guest memory: one or more regions, seen by the engine as one run of page indices.
//
// A page index counts through the regions in order: region 0 holds pages [0, n0), region 1 holds
// [n0, n0 + n1), and so on. No run of pages handed out or taken here crosses a region's end.
//
// Thread contract: what is mapped never changes after creation, so every const call may come from any
// thread. The bytes are shared with the guest: the engine reads them while the guest writes (a torn read is
// harmless, because the page is then dirty and is sent again).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "os/mapping.h"
#include "os/mutex.h"
#include "os/pagemap.h"
#include "os/populate.h"
#include "os/status.h"
#include "os/unique_fd.h"
#include "os/userfaultfd.h"
#include "region/page_bitmap.h"
#include "region/page_layout.h"

namespace pageferry {

enum class Backing : std::uint8_t {
  kShared,   // a memfd, mapped once for the guest and once for the engine
  kPrivate,  // an anonymous mapping that someone else owns; guest and engine use the same addresses
};

inline constexpr std::uint64_t kHugePagePages = kHugePageBytes / kPageBytes;

// One run of guest-physical memory. Created through GuestMemory.
struct Region {
  Backing backing = Backing::kShared;
  PageIndex first_page = 0;  // in the guest's page indices
  std::uint64_t page_count = 0;
  std::uint64_t page_bytes = kPageBytes;
  std::uint64_t guest_base = 0;      // where the guest's process has it mapped
  std::byte* engine_base = nullptr;  // where the engine reads and writes it, in this process
  UniqueFd memory_fd;                // shared backing only
  Mapping guest_mapping;             // empty when another process or another owner maps it
  Mapping engine_mapping;            // empty for private backing

  std::uint64_t bytes() const { return page_count * page_bytes; }
  PageRange pages() const { return {first_page, page_count}; }
  AddressRange guest_range() const { return {guest_base, bytes()}; }
};

class GuestMemory {
 public:
  // Fresh shared regions of these sizes (each a positive multiple of 4096), all holes.
  static Result<std::shared_ptr<GuestMemory>> create_shared(
      const std::vector<std::uint64_t>& bytes);

  // Adopts private anonymous mappings of this process. Their owner keeps them mapped for as long as
  // this object lives. Each range is page aligned.
  static Result<std::shared_ptr<GuestMemory>> adopt_private(
      const std::vector<AddressRange>& ranges);

  // The memory of a guest in another process, which passed these descriptors on: for each region its
  // memfd and base address there, one userfaultfd of that process, and that process's pagemap.
  struct ForeignRegion {
    UniqueFd memory_fd;
    std::uint64_t guest_base;
    std::uint64_t bytes;
  };
  static Result<std::shared_ptr<GuestMemory>> adopt_foreign(std::vector<ForeignRegion> regions,
                                                            UniqueFd userfaultfd, UniqueFd pagemap);

  const std::vector<Region>& regions() const { return regions_; }
  std::uint64_t page_count() const { return page_count_; }
  std::uint64_t bytes() const;
  bool local() const { return !foreign_userfaultfd_.valid(); }
  Backing backing() const { return regions_.front().backing; }

  const Region& region_of(PageIndex page) const;
  PageLayout layout() const;
  std::byte* engine_page(PageIndex page) const;
  // Where to read a page that the guest may be writing. In this process that is the guest's own mapping:
  // its page tables are filled, while each page that nobody has touched through the engine mapping yet
  // costs a fault there (docs/decisions/0015).
  const std::byte* page_to_read(PageIndex page) const;
  // The page where the guest runs. Local guests only, before they run: to fill their memory.
  std::byte* guest_page(PageIndex page) const;
  std::uint64_t guest_address(PageIndex page) const;
  // The addresses of a run that lies within one region.
  AddressRange guest_range(PageRange run) const;
  // The page that holds a guest address, or page_count() when it lies in no region.
  PageIndex page_at(std::uint64_t guest_address) const;

  // Calls visit(const Region&, PageRange) for the part of `range` in each region.
  template <class Visit>
  void for_each_region(PageRange range, Visit&& visit) const {
    for (const Region& region : regions_) {
      const PageIndex first = std::max(range.first, region.first_page);
      const PageIndex end = std::min(range.end(), region.first_page + region.page_count);
      if (first < end) visit(region, PageRange{first, end - first});
    }
  }

  // Bytes of the pages that hold something.
  Result<std::uint64_t> populated_bytes() const;
  // The part of it that the memfds hold: the kernel keeps count, so this costs one call a region and may
  // be asked on any thread's path. Private regions count as nothing.
  Result<std::uint64_t> allocated_bytes() const;
  // Sets the bit of each page that holds something: data in the memfd, or present/swapped in a
  // private mapping. Never reads the pages themselves. Looks only where the set has pages missing, so a second
  // look at a guest with few holes costs next to nothing.
  Status find_populated(PageBitmap& populated) const;
  // The same for a part of the guest: calls visit for runs of such pages, ascending. One run may come
  // in pieces.
  Status for_each_populated_run(PageRange range, const std::function<void(PageRange)>& visit) const;
  // Adds the pages of `among` that hold nothing. One call for a shared region that is all there; else about
  // half a millisecond for each GiB of the parts that `among` has pages in (find_populated takes thrice as long).
  Status find_holes(const PageBitmap& among, PageBitmap& holes) const;
  // The first page of the range that holds data in its memfd, or range.end() when there is none. Costs
  // the same for a hole of any size. Shared memory only.
  Result<PageIndex> next_populated(PageRange range) const;

  // Populates these pages, which lie in one region, through the engine mapping, so that receiving into it
  // meets warm memory: in huge pages where they fill whole ones (os/populate.h).
  Status populate(PageRange run) const;
  // All of it, on several threads.
  Status prefault() const;

  // Post-copy: between these two, guest threads wait here for pages that have not come. Whoever serves
  // those faults says how to let the threads go, and whoever ends the guest for good calls
  // release_waiters(). The pages that never came then read as zeros, which only a guest that is about to
  // end may see. kUnsupported for memory that is open to the agent.
  Status begin_waits(std::function<void()> release) const;
  void end_waits() const;
  void release_waiters() const;

  // Says that the agent's own thread may touch this memory from here on. Were it to wait for a page whose
  // source has gone, nobody could end the migration, nor the process: so no memory is open to the agent
  // while there are waits, and none that is may have them. kUnsupported between begin_waits and end_waits.
  Status open_to_agent() const;
  bool is_open_to_agent() const;

  // A userfaultfd over the guest's address space: a fresh one for a guest in this process, a
  // duplicate of the passed one otherwise.
  Result<UserFaultFd> open_userfaultfd(const UserFaultFd::Features& wanted,
                                       FaultSource needed = FaultSource::kAnyMode) const;
  // The pagemap of the guest's process.
  const Pagemap& pagemap() const { return pagemap_; }

 private:
  GuestMemory() = default;
  void append(Region region);
  void for_each_run_not_in_core(const Region& region, PageRange part,
                                const std::function<void(PageRange)>& visit) const;
  Status for_each_run_with_data(const Region& region, PageRange part,
                                const std::function<void(PageRange)>& visit) const;

  std::vector<Region> regions_;
  std::uint64_t page_count_ = 0;
  Pagemap pagemap_;
  UniqueFd foreign_userfaultfd_;
  mutable Mutex waiters_mutex_;
  mutable std::function<void()> release_waiters_ GUARDED_BY(waiters_mutex_);
  mutable bool open_to_agent_ GUARDED_BY(waiters_mutex_) = false;
};

}  // namespace pageferry
