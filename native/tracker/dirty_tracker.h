// The contract of every dirty tracker: which pages did the guest write?
//
// arm       from its return on, every first write to a page is recorded. A page counts as written
//           from the moment its write can be seen; pages that were never populated count when first
//           written.
// harvest   adds every page written since arm or the last harvest to `dirty` and tracks it again, page
//           by page atomically: a write is in this harvest or in the next, never in neither. A page is
//           re-armed *before* its bit is reported, so reading its bytes after harvest returns misses
//           nothing. May report a page that was not written; never the reverse.
// peek      adds the pages that a harvest would report now to `dirty`, and changes nothing. The cheaper
//           of the two, so it is how to take the last dirty set of a guest that is paused.
// disarm    stops tracking; every page is writable at full speed again. Idempotent.
//
// A tracker that has a thread may fail while nobody calls it. It then lifts every protection, so that no
// write waits for it, and calls `on_failure`, at most once after each arm, on a thread of its own. From then
// until the next arm harvest and peek answer that failure, so a set that lacks a write is never taken for
// whole.
//
// Thread contract: arm, harvest, peek and disarm may be called from any one thread at a time, except
// that peek may run beside a harvest and from several threads at once. Guest threads write at any time.
// The destructor disarms.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "os/status.h"
#include "region/guest_memory.h"
#include "region/page_bitmap.h"

namespace pageferry {

enum class TrackerKind { kUffdWpAsync, kUffdWpSync, kMprotect };

std::string_view tracker_name(TrackerKind kind);  // "uffd-wp-async", "uffd-wp-sync", "mprotect"

class DirtyTracker {
 public:
  virtual ~DirtyTracker() = default;

  virtual TrackerKind kind() const = 0;
  virtual Status arm() = 0;
  // `range` lets several threads scan at once and lets a round peek only at what it is about to send.
  virtual Status harvest(PageRange range, PageBitmap& dirty) = 0;
  virtual Status peek(PageRange range, PageBitmap& dirty) = 0;
  virtual Status disarm() = 0;
};

using OnTrackerFailure = std::function<void(Status)>;

// Makes an unarmed tracker. `memory` is kept alive by it.
Result<std::unique_ptr<DirtyTracker>> make_tracker(TrackerKind kind,
                                                   std::shared_ptr<GuestMemory> memory,
                                                   OnTrackerFailure on_failure);

}  // namespace pageferry
