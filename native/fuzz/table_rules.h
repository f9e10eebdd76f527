// What docs/protocol.md, 2.1, says of a record's table, once more and as plainly as can be: the code under test must
// come to the same verdict.
#pragma once

#include <span>
#include <vector>

#include "region/page_layout.h"
#include "wire/records.h"

namespace pageferry::fuzzing {

// Whether a block's pages are those of one stripe, its members so many as there may be, and its payload as long.
inline bool block_is_right(const wire::TableEntry& entry) {
  const std::uint64_t pages = entry.pages;
  const std::uint64_t members = entry.members;
  if (entry.page / 1024 != (entry.page + pages - 1) / 1024) return false;
  if (members == 0 || members > 64 || members > pages) return false;
  std::uint64_t bitmap = 0;
  if (members != pages) bitmap = pages / 8 + (pages % 8 == 0 ? 0 : 1);
  return entry.payload_bytes >= bitmap + 1 &&
         entry.payload_bytes <= bitmap + members * kPageBytes - 1;
}

// Whether the payload and the members are right for the pages of an entry that has some.
inline bool payload_is_right(const wire::TableEntry& entry) {
  const std::uint64_t bytes = entry.payload_bytes;
  const std::uint64_t pages = entry.pages;
  switch (entry.content) {
    case wire::kContentRaw:
      return entry.members == 0 && bytes == pages * kPageBytes;
    case wire::kContentZero:
      return entry.members == 0 && bytes == 0;
    case wire::kContentFill:
      return entry.members == 0 && bytes == 8;
    case wire::kContentMissing:
      return entry.members == 0 && (bytes == 0 || bytes == pages / 8 + (pages % 8 == 0 ? 0 : 1));
    default:
      return entry.content >= 2 && entry.content <= 9 && block_is_right(entry);
  }
}

// `ends`: of the guest's regions. Of a header that has been checked.
inline bool obeys_rules(const wire::RecordHeader& header, const std::vector<PageIndex>& ends,
                        const wire::ContentSet& accepted, std::span<const wire::TableEntry> table) {
  std::uint64_t sum = 0;
  PageIndex named_up_to = 0;
  for (const wire::TableEntry& entry : table) {
    if (entry.pages == 0 || entry.page < named_up_to) return false;
    if (!accepted.contains(entry.content)) return false;
    if (!payload_is_right(entry)) return false;
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
