// Tracks writes with userfaultfd write-protect in its classic mode: a thread of the tracker receives
// each first write, records it, and lets the writer go on. Linux >= 5.7, shared memory >= 5.19.
//
// Thread contract: that of DirtyTracker.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "os/mutex.h"
#include "os/native_thread.h"
#include "os/unique_fd.h"
#include "tracker/armed_chunks.h"
#include "tracker/dirty_tracker.h"
#include "tracker/write_protection.h"

namespace pageferry {

class UffdWpSyncTracker final : public DirtyTracker {
 public:
  UffdWpSyncTracker(std::shared_ptr<GuestMemory> memory, OnTrackerFailure on_failure);
  ~UffdWpSyncTracker() override;

  TrackerKind kind() const override { return TrackerKind::kUffdWpSync; }
  Status arm() override;
  Status harvest(PageRange range, PageBitmap& dirty) override;
  Status peek(PageRange range, PageBitmap& dirty) override;
  Status disarm() override;

 private:
  Status protect();
  Status start_handler();
  void run() noexcept;
  Status handle_faults();
  Status resolve(std::span<const FaultEvent> events) EXCLUDES(fault_mutex_);
  void give_up(Status failure) EXCLUDES(fault_mutex_);
  Status check_tracking() const EXCLUDES(fault_mutex_);
  Status harvest_part(PageRange part, PageBitmap& dirty) EXCLUDES(fault_mutex_);
  Status find_untrapped(PageRange part, PageBitmap& found) const;

  const std::shared_ptr<GuestMemory> memory_;
  const OnTrackerFailure on_failure_;
  PageBitmap written_;
  std::optional<WriteProtection> protection_;
  std::optional<ArmedChunks> chunks_;
  // Holds "bit set" and "protection lifted" together against a harvest that undoes both: otherwise a
  // harvest between the two leaves a page writable with its bit clear.
  mutable Mutex fault_mutex_;
  // Why the handler ended by itself. Set before the protections are lifted: a write that nobody recorded
  // comes later, so whoever looks after that write finds the failure.
  Status failure_ GUARDED_BY(fault_mutex_);
  std::atomic<bool> failed_{false};  // That there is one, without waiting for the mutex.
  UniqueFd stop_event_;
  std::optional<NativeThread> handler_;
};

}  // namespace pageferry
