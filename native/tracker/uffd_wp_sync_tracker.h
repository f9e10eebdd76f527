// Tracks writes with userfaultfd write-protect in its classic mode: a thread of the tracker receives
// each first write, records it, and lets the writer go on. Linux >= 5.7, shared memory >= 5.19.
//
// Thread contract: that of DirtyTracker.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "os/unique_fd.h"
#include "tracker/armed_chunks.h"
#include "tracker/dirty_tracker.h"
#include "tracker/write_protection.h"

namespace pageferry {

class UffdWpSyncTracker final : public DirtyTracker {
 public:
  explicit UffdWpSyncTracker(std::shared_ptr<GuestMemory> memory);
  ~UffdWpSyncTracker() override;

  TrackerKind kind() const override { return TrackerKind::kUffdWpSync; }
  Status arm() override;
  Status harvest(PageRange range, PageBitmap& dirty) override;
  Status peek(PageRange range, PageBitmap& dirty) override;
  Status disarm() override;

 private:
  Status protect();
  Status start_handler();
  void handle_faults();
  void resolve(std::span<const FaultEvent> events);
  Status harvest_part(PageRange part, PageBitmap& dirty);
  Status find_untrapped(PageRange part, PageBitmap& found) const;

  const std::shared_ptr<GuestMemory> memory_;
  PageBitmap written_;
  std::optional<WriteProtection> protection_;
  std::optional<ArmedChunks> chunks_;
  // Holds "bit set" and "protection lifted" together against a harvest that undoes both: otherwise a
  // harvest between the two leaves a page writable with its bit clear.
  std::mutex fault_mutex_;
  UniqueFd stop_event_;
  std::thread handler_;
};

}  // namespace pageferry
