// Compares pages of a paused guest with what the guest's operations must have left there.
//
// Thread contract: one call at a time; nobody writes the memory meanwhile. It runs its own helpers.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "os/status.h"
#include "region/guest_memory.h"
#include "workload/guest_layout.h"
#include "workload/page_sample.h"
#include "workload/snapshots.h"
#include "workload/workload.h"

namespace pageferry {

struct VerifyInput {
  const GuestMemory& memory;
  const GuestLayout& layout;
  std::uint64_t appendix_hash;
  std::vector<std::uint64_t> operations;  // done by each running thread
  PageSample sample;                      // of the pages before the appendix
  const Snapshots* snapshots;             // of a guest that goes through them, otherwise null
};

// Looks at the whole appendix, and at nothing else when that is not as it must be. Then replays the operations
// from the first one, and compares the pages of the sample. Pages that nobody populated are taken
// as zero without being read. failed_reads is left 0. kCancelled when `cancelled` became true.
Result<VerifyResult> verify_guest(const VerifyInput& input, unsigned threads,
                                  const std::atomic<bool>& cancelled);

}  // namespace pageferry
