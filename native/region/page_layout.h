// Where the regions of a guest begin and end, in page indices: all that a reader of records needs to know of
// its memory.
//
// Thread contract: never changes after creation.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "region/page_bitmap.h"

namespace pageferry {

inline constexpr std::uint64_t kPageBytes = 4096;

class PageLayout {
 public:
  // The page after each region's last, ascending.
  explicit PageLayout(std::vector<PageIndex> ends) : ends_(std::move(ends)) {}

  std::uint64_t page_count() const { return ends_.empty() ? 0 : ends_.back(); }
  // The end of the region that holds this page, which is one of the guest's.
  PageIndex end_of_region(PageIndex page) const {
    return *std::upper_bound(ends_.begin(), ends_.end(), page);
  }

 private:
  std::vector<PageIndex> ends_;
};

}  // namespace pageferry
