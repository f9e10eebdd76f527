// What everybody who encodes a source's pages shares.
//
// Thread contract: that of its members; two pages of one stripe never at the same time.
#pragma once

#include <memory>
#include <utility>

#include "region/guest_memory.h"
#include "region/page_bitmap.h"
#include "send/class_stats.h"
#include "send/effort.h"
#include "send/sent_versions.h"

namespace pageferry {

struct SourcePages {
  SourcePages(std::shared_ptr<GuestMemory> guest, const EffortPlan& plan,
              std::uint64_t version_bytes)
      : memory(std::move(guest)),
        with_content(memory->page_count()),
        versions(memory->page_count(), version_bytes),
        effort(plan) {}

  const std::shared_ptr<GuestMemory> memory;
  // The pages that are not zero on the other side: what was sent last of them was content.
  PageBitmap with_content;
  SentVersions versions;
  Effort effort;
  EncodedTotals encoded;
};

}  // namespace pageferry
