// Guest memory on the destination while a migration fills it: who may write a page, and when the guest
// may see it.
//
// Phase *copying* (before the switchover; the guest has never run): pages may come any number of times,
// and their bytes are received where they belong. Phase *serving* (post-copy; the guest runs): a page's
// bytes are received elsewhere. Only when they are whole is the page claimed, by exactly one thread, which
// writes it where the guest cannot see it and maps it for the guest, which wakes the threads that wait
// for it. No thread waits for a peer between the claim and the mapping, so a peer that stalls in the
// middle of a page keeps nobody else from bringing it. A missing page has never been mapped for the guest,
// so the guest cannot see a stale copy; a published page is never written again, so a late copy cannot
// overwrite a guest's write. Phase *complete*: nothing is written any more.
//
// Thread contract: everything from any thread. While copying, an ApplicationGuard is held around
// landing(), landed(), store(), store_zero() and mark_missing() wherever start_serving() or complete() may
// be called meanwhile. start_serving() is called once, when every channel has reached the final sync.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "os/mutex.h"
#include "os/status.h"
#include "os/userfaultfd.h"
#include "region/guest_memory.h"
#include "region/page_bitmap.h"
#include "region/populator.h"
#include "region/waiting_faults.h"

namespace pageferry {

class ArrivingMemory {
 public:
  explicit ArrivingMemory(std::shared_ptr<GuestMemory> memory);
  ~ArrivingMemory();

  const GuestMemory& memory() const { return *memory_; }

  // Held while one record is applied. Copying does not end while one is held that was taken then.
  class ApplicationGuard {
   public:
    explicit ApplicationGuard(ArrivingMemory& memory)
        : memory_(memory), in_place_(memory.begin_application()) {}
    ~ApplicationGuard() {
      if (in_place_) memory_.end_application();
    }
    ApplicationGuard(const ApplicationGuard&) = delete;
    ApplicationGuard& operator=(const ApplicationGuard&) = delete;

    // True when the record's pages are received where they belong, because the guest does not run.
    bool in_place() const { return in_place_; }

   private:
    ArrivingMemory& memory_;
    const bool in_place_;
  };

  // Copying only, once, and before the first page: these parts are about to be filled. They are populated ahead
  // of their pages from here on. `on_done` is called once: when all are, or when copying ends.
  void populate_ahead(const std::vector<PageRange>& parts, Populator::OnDone on_done);
  // The guest does not arrive: nothing more is populated.
  void cancel_populating() {
    if (populator_) populator_->cancel();
  }
  // Copying only: pages of this run, which lies in one region, are about to be received at their landing.
  void expect(PageRange run) {
    if (populator_) populator_->ensure(run);
  }
  // Copying only: where the bytes of this page belong. A run within one region is contiguous.
  std::byte* landing(PageIndex page) const { return memory_->engine_page(page); }
  // Copying only: the bytes of these pages were received at their landing.
  void landed(PageRange run) { in_object_.set_range(run); }

  // The bytes of these pages, which lie in one region, are at `data`, whole. While copying they are
  // written over what is there; while serving, those that nobody else has claimed are written and mapped
  // for the guest; when complete, none. Answers how many were written: the others are duplicates. On
  // failure a guest thread may wait for ever for one of these pages.
  Result<std::uint64_t> store(PageRange run, const std::byte* data);
  // As store(), for pages that are all zero.
  Result<std::uint64_t> store_zero(PageRange run);

  // Copying only (else kProtocol): these pages' newest content comes after the switchover.
  Status mark_missing(PageRange run);

  // Registers the guest mapping with userfaultfd. From here on a guest thread that touches a missing page
  // waits; with FaultSource::kUserMode a system call that does may fail instead. `on_complete` is called
  // once, from the thread that publishes the last page (or from this call when nothing is missing). On
  // failure nothing is registered; kProtocol when a record is being applied in place, because the source had
  // ended the final round; kUnsupported when the memory is open to the agent.
  Status start_serving(std::function<void()> on_complete,
                       FaultSource needed = FaultSource::kAnyMode);

  // Every page is here, with or without a serving phase before: waiting threads go on, and whatever a
  // peer still sends is discarded. Idempotent. Without a serving phase: kProtocol as for start_serving,
  // and when pages are missing.
  Status complete();

  const UserFaultFd& userfaultfd() const { return userfaultfd_; }
  // True for a page that was announced as missing, until it is published.
  bool missing(PageIndex page) const { return missing_.test(page); }

  // Serving only: a guest thread has waited for this page since then. Whoever publishes the page records
  // how long. Call missing() after this and, when it answers false, map(): whoever published the page may
  // not have known that a thread waits.
  void open_fault(PageIndex page, WaitingFaults::Clock::time_point since) {
    waiting_.open({page, since});
  }
  // From open_fault() until the page was mapped and its threads were awake, whoever brought the page.
  const LatencyHistogram& fault_latency() const { return waiting_.latency(); }

  // Serving only: lets the guest have a page that it faulted on and that is not missing.
  Status map(PageIndex page, FaultKind kind);

  // Serving only: maps every page that arrived before the switchover, in large runs, so that the guest
  // does not fault on each. Returns early when `cancelled`.
  Status map_arrived(const std::atomic<bool>& cancelled);

  std::uint64_t pages_missing() const { return pages_missing_.load(std::memory_order_acquire); }

 private:
  enum class Phase : std::uint8_t { kCopying, kServing, kComplete };

  Phase phase() const { return phase_.load(std::memory_order_acquire); }
  template <class Publish>
  Result<std::uint64_t> publish_claimed(PageRange run, Publish publish);
  Status publish(PageRange run, const std::byte* data);
  Status publish_zero(PageRange run);
  Status map_zero(PageIndex page) const;
  void write_zeros(PageRange run);
  void count_published(PageRange run);
  bool begin_application();
  void end_application();
  Status check_no_record_in_place() const REQUIRES(records_mutex_);
  Status register_all() const;
  Status hide_missing() const;
  Status unregister() const;

  std::shared_ptr<GuestMemory> memory_;
  // The engine has written or populated these pages before the switchover. They are in the memory object, and
  // may differ from zero.
  PageBitmap in_object_;
  // Both begin as the residual set, as announced, and shrink: what is kept is in proportion to what is
  // missing, whatever the guest's size. A page is unclaimed until one thread has its bytes and takes the
  // bit away, and missing until that thread has published it.
  PageBitmap unclaimed_;
  PageBitmap missing_;
  WaitingFaults waiting_;
  Mutex records_mutex_;  // the phase leaves copying only under it
  std::uint64_t records_in_place_ GUARDED_BY(records_mutex_) = 0;  // guards that are in_place()
  std::atomic<Phase> phase_{Phase::kCopying};
  std::atomic<std::uint64_t> pages_missing_{0};
  std::function<void()> on_complete_;
  UserFaultFd userfaultfd_;
  std::optional<Populator> populator_;  // last, so that its threads end first
};

}  // namespace pageferry
