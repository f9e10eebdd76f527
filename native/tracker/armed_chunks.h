// Which parts of a guest's shared memory are write-protected at all, so that tracking costs what the
// guest holds and not what it could hold. See docs/decisions/0010-arming.md.
//
// Memory is taken in chunks. A chunk that is one hole when the tracker is armed stays unprotected: it
// has no page tables, and no scan looks at it. Whatever it holds later was touched since, and is
// reported until a harvest of the whole chunk has protected it; from then on it is like any other.
//
// Private memory needs none of this, because there only pages that exist are protected: all of its
// chunks count as protected from the start.
//
// Thread contract: that of DirtyTracker.
#pragma once

#include <algorithm>
#include <functional>

#include "region/guest_memory.h"
#include "region/page_bitmap.h"

namespace pageferry {

class ArmedChunks {
 public:
  // Write-protects all pages of a range, those that do not exist included.
  using Protect = std::function<Status(AddressRange)>;

  ArmedChunks(const GuestMemory& memory, Protect protect);

  // Protects each chunk that holds anything.
  Status arm_populated();

  // Calls visit(const Region&, PageRange) for each part of the range that is protected.
  template <class Visit>
  void for_each_armed(PageRange range, Visit visit) const {
    armed_.for_each_run(chunks_around(range), [&](PageRange chunks) {
      memory_.for_each_region(pages_within(chunks, range), visit);
    });
  }

  // Adds the pages that unprotected chunks hold to `dirty`. A chunk that lies in the range as a whole is
  // protected first: a write is then among what it holds, or is caught.
  Status harvest_unarmed(PageRange range, PageBitmap& dirty);
  // The same, and changes nothing. Leaves out what a harvest beside it takes.
  Status peek_unarmed(PageRange range, PageBitmap& dirty) const;

 private:
  static constexpr std::uint64_t kChunkPages = 512;  // what one page table maps

  static PageRange chunks_around(PageRange range) {
    const std::uint64_t first = range.first / kChunkPages;
    return {first, (range.end() + kChunkPages - 1) / kChunkPages - first};
  }
  static PageRange pages_within(PageRange chunks, PageRange range) {
    const PageIndex first = std::max(range.first, chunks.first * kChunkPages);
    return {first, std::min(range.end(), chunks.end() * kChunkPages) - first};
  }

  template <class Visit>
  Status for_each_populated_chunk(PageRange range, Visit visit) const;
  Status arm(PageRange pages);

  const GuestMemory& memory_;
  const Protect protect_;
  PageBitmap armed_;  // one bit for each chunk
};

}  // namespace pageferry
