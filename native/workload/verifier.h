// Compares every page of a paused guest with what the guest's operations must have left there.
//
// Thread contract: one call at a time; nobody writes the memory meanwhile. It runs its own helpers.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "os/status.h"
#include "region/guest_memory.h"
#include "workload/guest_layout.h"
#include "workload/page_digest.h"
#include "workload/workload.h"

namespace pageferry {

struct VerifyInput {
  const GuestMemory& memory;
  const GuestLayout& layout;
  const std::vector<PageDigest>& digests;  // of the filled pages; empty when recomputable
  std::vector<std::uint64_t> operations;   // done by each running thread
};

// Replays the operations from the first one, then compares. Pages that nobody populated are taken
// as zero without being read. failed_reads is left 0. kCancelled when `cancelled` became true.
Result<VerifyResult> verify_guest(const VerifyInput& input, unsigned threads,
                                  const std::atomic<bool>& cancelled);

}  // namespace pageferry
