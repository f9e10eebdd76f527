// Tracks writes with read-only pages and a SIGSEGV handler. Works on every kernel, for a guest in this
// process only.
//
// Sees user-mode writes only: a system call that writes into a tracked page fails with EFAULT. Each
// scattered writable page costs the process up to two kernel mappings; past a quarter of
// vm.max_map_count, pages are opened in larger chunks and reported as written together.
//
// Thread contract: that of DirtyTracker.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "os/write_trap.h"
#include "tracker/dirty_tracker.h"

namespace pageferry {

class MprotectTracker final : public DirtyTracker, private WriteTrapOwner {
 public:
  explicit MprotectTracker(std::shared_ptr<GuestMemory> memory);
  ~MprotectTracker() override;

  TrackerKind kind() const override { return TrackerKind::kMprotect; }
  Status arm() override;
  Status harvest(PageRange range, PageBitmap& dirty) override;
  Status peek(PageRange range, PageBitmap& dirty) override;
  Status disarm() override;

 private:
  bool on_write_fault(std::uint64_t address) override;
  bool open_pages(PageRange run);
  bool close_pages(const Region& region, PageRange run);

  const std::shared_ptr<GuestMemory> memory_;
  PageBitmap written_;
  std::vector<WriteTrap> traps_;
  // How many times a single page may still be opened before chunks are.
  std::atomic<std::int64_t> single_opens_left_{0};
};

}  // namespace pageferry
