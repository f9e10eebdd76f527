// Tracks writes with userfaultfd write-protect in async mode: the kernel lifts the protection itself,
// and PAGEMAP_SCAN reads and restores it in one step. Linux >= 6.7. See docs/decisions/0010-arming.md.
//
// Does not see writes by DMA into pages that were pinned before a harvest (O_DIRECT, io_uring fixed
// buffers), nor memory that is discarded (madvise, hole punching) without a write: the final round does.
//
// Thread contract: that of DirtyTracker.
#pragma once

#include <memory>
#include <optional>

#include "os/helpers.h"
#include "tracker/armed_chunks.h"
#include "tracker/dirty_tracker.h"
#include "tracker/write_protection.h"

namespace pageferry {

class UffdWpAsyncTracker final : public DirtyTracker {
 public:
  explicit UffdWpAsyncTracker(std::shared_ptr<GuestMemory> memory);

  TrackerKind kind() const override { return TrackerKind::kUffdWpAsync; }
  Status arm() override;
  Status harvest(PageRange range, PageBitmap& dirty) override;
  Status peek(PageRange range, PageBitmap& dirty) override;
  Status disarm() override;

 private:
  Status check_mode() const;
  Status protect();
  Status check_armed() const;
  Status scan(const Region& region, PageRange part, Pagemap::Rearm rearm, PageBitmap& dirty) const;

  const std::shared_ptr<GuestMemory> memory_;
  std::optional<WriteProtection> protection_;
  std::optional<ArmedChunks> chunks_;
  std::optional<Helpers> helpers_;
};

}  // namespace pageferry
