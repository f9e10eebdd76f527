// The only code that reads /proc/PID/pagemap and issues PAGEMAP_SCAN.
//
// Thread contract: every call is independent; call from any thread.
#pragma once

#include <cstdint>
#include <functional>

#include "os/status.h"
#include "os/unique_fd.h"
#include "os/userfaultfd.h"

namespace pageferry {

class Pagemap {
 public:
  using VisitRun = std::function<void(AddressRange)>;

  static Result<Pagemap> open_self();
  static Result<Pagemap> open_process(int pid);
  explicit Pagemap(UniqueFd fd) : fd_(std::move(fd)) {}
  // Without a descriptor every scan fails with kNoPermission.
  Pagemap() = default;

  enum class Rearm { kNo, kYes };
  // What a page with an empty page table entry counts as. With kWritten such an entry is
  // write-protected like any other, so the page is clean from then on until somebody writes it.
  enum class Unmapped { kClean, kWritten };
  // Calls on_written for each run of pages written since they were last write-protected through an
  // async userfaultfd; with Rearm::kYes each is write-protected again in the same kernel step, so
  // that no write falls between. Linux >= 6.7.
  Status scan_written(AddressRange range, Rearm rearm, Unmapped unmapped,
                      const VisitRun& on_written) const;

  // Write-protects every page of a range that is registered with an async userfaultfd, pages that do
  // not exist included: what UFFDIO_WRITEPROTECT does, in less than half the time. Linux >= 6.7.
  Status write_protect(AddressRange range) const;

  // Calls on_present for each run of pages that are mapped. Linux >= 6.7.
  Status scan_present(AddressRange range, const VisitRun& on_present) const;

  // Calls on_populated for each run of pages that are present or swapped. Works on every kernel.
  // A page under write-protection that was never populated may count as swapped.
  Status scan_populated(AddressRange range, const VisitRun& on_populated) const;

  // Calls on_unprotected for each run of pages that are present or swapped and not write-protected by
  // a userfaultfd. Works on every kernel; before Linux 5.14 every populated page counts.
  Status scan_unprotected(AddressRange range, const VisitRun& on_unprotected) const;

  // Calls on_written for each run of pages that are present or swapped and were written, or newly
  // mapped, since their process's soft-dirty bits were last cleared. Where this kernel keeps none, there
  // is no such run.
  Status scan_soft_dirty(AddressRange range, const VisitRun& on_written) const;
  // Of all memory of the process. A write that falls between a scan and this is lost.
  static Status clear_soft_dirty(int pid);
  // True when this kernel keeps soft-dirty bits: tried on a page of this process, whose own are cleared.
  static bool soft_dirty_is_offered();

  // True when this kernel has PAGEMAP_SCAN.
  static bool scan_is_offered();

  // True when the range is registered with a userfaultfd in async write-protect mode.
  bool write_protect_is_async(AddressRange range) const;

 private:
  UniqueFd fd_;
};

}  // namespace pageferry
