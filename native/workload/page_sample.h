// Which pages of a guest are compared when not all of them are.
//
// Thread contract: pure functions and plain values.
#pragma once

#include <algorithm>
#include <cstdint>

#include "region/page_bitmap.h"
#include "workload/rng.h"

namespace pageferry {

struct PageSample {
  std::uint64_t pages;  // so many, or all where there are no more
  std::uint64_t seed;

  // The pages of a guest with so many pages.
  std::uint64_t count_of(std::uint64_t page_count) const { return std::min(pages, page_count); }

  // The i-th of them, ascending. The guest is cut into count_of() parts of equal size, give or take a page, and
  // one page of each is taken at random: pages at a fixed distance would all lie in the same place of whatever
  // repeats at that distance.
  PageIndex page(std::uint64_t i, std::uint64_t page_count) const {
    const PageIndex first = begin_of_part(i, page_count);
    const std::uint64_t size = begin_of_part(i + 1, page_count) - first;
    return first + scale_below(mix64(seed + (i + 1) * kGoldenGamma), size);
  }

 private:
  PageIndex begin_of_part(std::uint64_t i, std::uint64_t page_count) const {
    return static_cast<PageIndex>(static_cast<Uint128>(i) * page_count / count_of(page_count));
  }
};

}  // namespace pageferry
