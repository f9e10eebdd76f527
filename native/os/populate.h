// Gives memory its pages before anybody writes it: one call for many pages costs a fraction of a fault for
// each of them.
//
// Thread contract: call from any thread, also for ranges that overlap.
#pragma once

#include <cstddef>
#include <cstdint>

#include "os/status.h"

namespace pageferry {

inline constexpr std::uint64_t kHugePageBytes = std::uint64_t{2} << 20;

// On return every page of the range is there: what was there is unchanged, the rest is zero. `start` is page
// aligned, in a shared mapping of a memfd in which addresses and offsets are the same multiples of
// kHugePageBytes apart. Whole huge pages are made as such where the kernel can (Linux 6.1 and later, whatever
// the machine's settings for huge pages are), which is six times as fast as making their small pages. Fails
// with kNoMemory when there is none.
Status populate(std::byte* start, std::uint64_t bytes);

// The same for whole huge pages, and only as such: on failure some may have been made. `start` and `bytes` are
// multiples of kHugePageBytes.
Status make_huge_pages(std::byte* start, std::uint64_t bytes);

}  // namespace pageferry
