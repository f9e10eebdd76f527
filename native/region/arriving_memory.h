// Guest memory on the destination while a migration fills it: who may write a page, and when the guest
// may see it.
//
// Phase *copying* (before the switchover; the guest has never run): pages may arrive any number of times
// and land in place. Phase *serving* (post-copy; the guest runs): each page of the residual set is
// claimed by exactly one writer, written where the guest cannot see it, and then mapped for the guest,
// which wakes the threads that wait on it. A page that was not published has never been mapped for the
// guest, so it cannot see a stale copy; a page that was published is never written again, so a late
// copy cannot overwrite a guest's write. Phase *complete*: nothing is written any more.
//
// Thread contract: claim, publish, publish_zero and map may be called from any thread. start_serving is
// called once every channel has reached the final sync; it makes sure that no record is being applied.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "os/mutex.h"
#include "os/status.h"
#include "os/userfaultfd.h"
#include "region/guest_memory.h"
#include "region/page_bitmap.h"

namespace pageferry {

class ArrivingMemory {
 public:
  explicit ArrivingMemory(std::shared_ptr<GuestMemory> memory);
  ~ArrivingMemory();

  const GuestMemory& memory() const { return *memory_; }

  // Where the bytes of `page` land, or null when they must be received elsewhere and handed to publish
  // (private backing while serving: the page must not exist before it is complete).
  std::byte* landing(PageIndex page) const;

  // True when the caller is the one that must write this page: always while copying, never when
  // complete.
  bool claim(PageIndex page);
  // Serving only: true when somebody has claimed the page, or had no need to.
  bool claimed(PageIndex page) const { return !unclaimed_.test(page); }
  // Claims each page of the run and calls visit(PageRange, bool claimed) for each stretch of it with
  // the same outcome, ascending.
  template <class Visit>
  void claim_run(PageRange run, Visit&& visit) {
    if (phase() == Phase::kCopying) return visit(run, true);
    PageRange stretch = {run.first, 1};
    bool claimed = claim(run.first);
    for (PageIndex page = run.first + 1; page < run.end(); ++page) {
      const bool next = claim(page);
      if (next == claimed) {
        ++stretch.count;
        continue;
      }
      visit(stretch, claimed);
      stretch = {page, 1};
      claimed = next;
    }
    visit(stretch, claimed);
  }

  // True while guest threads may wait for pages: then what was claimed should be published soon.
  bool serving() const { return phase() == Phase::kServing; }

  // The claimed pages of this run are complete: at `data`, or at their landing when `data` is null.
  Status publish(PageRange run, const std::byte* data);
  // The claimed pages of this run are all zero.
  Status publish_zero(PageRange run);

  // Copying only (else kProtocol): these pages' newest content comes after the switchover.
  Status mark_missing(PageRange run);

  // Brackets the application of one record, from its first claim to its last publish.
  class Record {
   public:
    explicit Record(ArrivingMemory& memory) : memory_(memory) { memory_.begin_record(); }
    ~Record() { memory_.end_record(); }
    Record(const Record&) = delete;
    Record& operator=(const Record&) = delete;

   private:
    ArrivingMemory& memory_;
  };

  // Registers the guest mapping with userfaultfd. From here on a guest thread that touches a page which
  // is not published waits. `on_complete` is called once, from the thread that publishes the last page
  // (or from this call when nothing is missing). On failure nothing is registered; kProtocol when a
  // record is being applied, because the source had ended the final round; kUnsupported when the memory is
  // open to the agent.
  Status start_serving(std::function<void()> on_complete);

  // Every page is here, with or without a serving phase before: waiting threads go on, and whatever a
  // peer still sends is discarded. Idempotent. kProtocol as for start_serving, and when pages are missing that
  // no serving phase brings.
  Status complete();

  const UserFaultFd& userfaultfd() const { return userfaultfd_; }
  // Serving only.
  bool published(PageIndex page) const { return !unpublished_.test(page); }

  // Serving only: lets the guest have a published page that it faulted on.
  Status map(PageIndex page, FaultKind kind);

  // Serving only: maps every page that arrived before the switchover, in large runs, so that the guest
  // does not fault on each. Returns early when `cancelled`.
  Status map_arrived(const std::atomic<bool>& cancelled);

  std::uint64_t pages_missing() const { return pages_missing_.load(std::memory_order_acquire); }

 private:
  enum class Phase : std::uint8_t { kCopying, kServing, kComplete };

  Phase phase() const { return phase_.load(std::memory_order_acquire); }
  void count_published(PageRange run);
  void begin_record();
  void end_record();
  Status check_no_record() const REQUIRES(records_mutex_);
  Status check_none_missing() const;
  Status register_all() const;
  Status hide_missing() const;
  Status unregister() const;

  std::shared_ptr<GuestMemory> memory_;
  PageBitmap
      holds_data_;  // the engine wrote this page before the switchover: it may differ from zero
  // Both begin as the residual set, as announced, and shrink: what is kept is in proportion to what is
  // missing, whatever the guest's size.
  PageBitmap unclaimed_;
  PageBitmap unpublished_;
  Mutex records_mutex_;  // the phase leaves copying only under it
  std::uint64_t records_ GUARDED_BY(records_mutex_) = 0;
  std::atomic<Phase> phase_{Phase::kCopying};
  std::atomic<std::uint64_t> pages_missing_{0};
  std::function<void()> on_complete_;
  UserFaultFd userfaultfd_;
};

}  // namespace pageferry
