// What verification keeps of a page's initial content: enough to tell, after any number of page
// writes, whether the page holds what it must.
//
// Thread contract: pure functions and plain values.
#pragma once

#include <cstddef>
#include <cstdint>

#include "region/guest_memory.h"
#include "workload/page_slot.h"

namespace pageferry {

// A fast hash of `bytes` (a multiple of 8) that continues from `state`. A change confined to one
// 8-byte word always changes it; any other change goes unseen with probability about 2^-64.
std::uint64_t hash_words(const std::byte* data, std::size_t bytes, std::uint64_t state);

struct PageDigest {
  std::uint64_t slot_count;  // the slot's first word
  std::uint64_t slot_hash;
  std::uint64_t rest_hash;  // of the page without its slot
};

// The digest of page `page` while it holds its initial content.
PageDigest digest_page(const std::byte* page_bytes, PageIndex page, const PageSlots& slots);

// True when the page holds its initial content, as digested, after `writes` page writes.
bool page_matches(const std::byte* page_bytes, PageIndex page, const PageSlots& slots,
                  const PageDigest& initial, std::uint64_t writes);

}  // namespace pageferry
