// Writes a guest's initial content, through the engine mapping.
//
// Thread contract: call before the guest's first operation, from any one thread; fill() runs its
// own helpers.
#pragma once

#include <string>
#include <vector>

#include "os/status.h"
#include "region/guest_memory.h"
#include "workload/guest_layout.h"
#include "workload/page_digest.h"

namespace pageferry {

struct FillOutcome {
  // Of layout.filled_pages(), when the fill cannot be recomputed; else empty.
  std::vector<PageDigest> digests;
  std::string summary;  // what was done, for people
};

// zero touches no hole. On failure the memory holds anything.
Result<FillOutcome> fill(const GuestMemory& memory, const GuestLayout& layout);

}  // namespace pageferry
