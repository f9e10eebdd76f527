// What docs/protocol.md, 2.1, says of a record's table, once more and as plainly as can be: the code under test must
// come to the same verdict.
#pragma once

#include <span>
#include <vector>

#include "region/page_layout.h"
#include "wire/records.h"

namespace pageferry::fuzzing {

// Whether `bytes` of payload are right for `pages` pages of that content.
inline bool payload_is_right(std::uint8_t content, std::uint64_t bytes, std::uint64_t pages) {
  switch (content) {
    case wire::kContentRaw:
      return bytes == pages * kPageBytes;
    case wire::kContentZero:
      return bytes == 0;
    case wire::kContentLz4:
      return pages == 1 && bytes >= 1 && bytes <= kPageBytes - 1;
    case wire::kContentMissing:
      return bytes == 0 || bytes == pages / 8 + (pages % 8 == 0 ? 0 : 1);
    default:
      return false;
  }
}

// `ends`: of the guest's regions. Of a header that has been checked.
inline bool obeys_rules(const wire::RecordHeader& header, const std::vector<PageIndex>& ends,
                        const wire::ContentSet& accepted, std::span<const wire::TableEntry> table) {
  std::uint64_t sum = 0;
  PageIndex named_up_to = 0;
  for (const wire::TableEntry& entry : table) {
    if (entry.reserved != 0 || entry.pages == 0 || entry.page < named_up_to) return false;
    if (!accepted.contains(entry.content)) return false;
    if (!payload_is_right(entry.content, entry.payload_bytes, entry.pages)) return false;
    bool in_a_region = false;
    PageIndex start = 0;
    for (const PageIndex end : ends) {
      // Within the region from `start` to `end`, written so that nothing overflows.
      if (entry.page >= start && entry.page < end && entry.pages <= end - entry.page) {
        in_a_region = true;
      }
      start = end;
    }
    if (!in_a_region) return false;
    named_up_to = entry.page + entry.pages;
    sum += entry.payload_bytes;
  }
  return sum == header.payload_bytes;
}

}  // namespace pageferry::fuzzing
