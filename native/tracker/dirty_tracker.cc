#include "tracker/dirty_tracker.h"

#include "tracker/mprotect_tracker.h"
#include "tracker/uffd_wp_async_tracker.h"
#include "tracker/uffd_wp_sync_tracker.h"

namespace pageferry {

std::string_view tracker_name(TrackerKind kind) {
  switch (kind) {
    case TrackerKind::kUffdWpAsync:
      return "uffd-wp-async";
    case TrackerKind::kUffdWpSync:
      return "uffd-wp-sync";
    case TrackerKind::kMprotect:
      return "mprotect";
  }
  return "unknown";
}

Result<std::unique_ptr<DirtyTracker>> make_tracker(TrackerKind kind,
                                                   std::shared_ptr<GuestMemory> memory,
                                                   OnTrackerFailure on_failure) {
  std::unique_ptr<DirtyTracker> tracker;
  switch (kind) {
    case TrackerKind::kUffdWpAsync:
      tracker = std::make_unique<UffdWpAsyncTracker>(std::move(memory));
      break;
    case TrackerKind::kUffdWpSync:
      tracker = std::make_unique<UffdWpSyncTracker>(std::move(memory), std::move(on_failure));
      break;
    case TrackerKind::kMprotect:
      if (!memory->local()) {
        return Status(StatusCode::kUnsupported,
                      "mprotect cannot track a guest in another process; use a uffd tracker");
      }
      tracker = std::make_unique<MprotectTracker>(std::move(memory));
      break;
  }
  return tracker;
}

}  // namespace pageferry
