// What this machine offers for tracking writes and serving faults, and for each thing it lacks, why.
#pragma once

#include <string>
#include <vector>

#include "tracker/dirty_tracker.h"

namespace pageferry {

struct Capability {
  // Stable: "userfaultfd", "uffd-wp-async", "uffd-wp-sync", "mprotect", "pagemap-scan", "post-copy",
  // "post-copy-user-mode", "huge-pages".
  std::string name;
  bool available;
  std::string reason;  // empty when available; else what is missing
  std::string remedy;  // empty when available; else how to get it
};

struct TrackerProbe {
  std::string kernel;  // uname release
  std::vector<Capability> capabilities;
  TrackerKind chosen;  // the first available of async, sync, mprotect
};

// Tries each mechanism on a page of its own; leaves nothing behind. `backing` matters: write-protect
// on shared memory came later than on anonymous memory.
TrackerProbe probe_trackers(Backing backing);

}  // namespace pageferry
