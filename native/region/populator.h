// Populates parts of a guest's memory before its pages arrive there.
//
// Its threads go through the parts in the order in which pages come. A page channel that is there first
// populates what it is about to fill by itself: so it neither waits for a thread that gets no core nor takes
// a fault for each page. Every huge page is populated by exactly one thread.
//
// Thread contract: ensure() and stop() from any thread. on_done is called once, on a thread of the populator's
// or on one that is in a call of it, and must not destroy the populator. The destructor stops.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "os/mutex.h"
#include "os/native_thread.h"
#include "region/guest_memory.h"
#include "region/page_bitmap.h"

namespace pageferry {

class Populator {
 public:
  using OnDone = std::function<void()>;

  // Of each part the whole huge pages are populated, where the backing is shared, and their pages added to
  // `populated`, which outlives this. Fewer threads than asked for are as good: what none of them comes to is
  // populated by whoever needs it.
  Populator(std::shared_ptr<GuestMemory> memory, const std::vector<PageRange>& parts,
            PageBitmap& populated, OnDone on_done);
  Populator(const Populator&) = delete;
  Populator& operator=(const Populator&) = delete;
  ~Populator() { stop(); }

  // `run` lies in one region. On return no huge page of it will be populated by another thread any more.
  // Memory that is not to be had is noticed by whoever then writes there.
  void ensure(PageRange run);

  // Nobody needs the memory any more: on_done was called on return, and no thread begins anything new.
  void cancel();
  // The same, and on return nothing is being populated any more.
  void stop();

 private:
  void add(const Region& region, PageRange part);
  void go_ahead() noexcept;
  void populate(PageRange pages);
  void wait_for(PageIndex huge_page) EXCLUDES(mutex_);
  void finish();

  const std::shared_ptr<GuestMemory> memory_;
  PageBitmap& populated_;
  // Both have the bit of a huge page's first page. Unclaimed: no thread populates it yet. Pending: until it
  // is populated.
  PageBitmap unclaimed_;
  PageBitmap pending_;
  std::atomic<std::uint64_t> left_{0};  // huge pages that are pending
  std::atomic<bool> stopping_{false};
  std::atomic<bool> finished_{false};
  const OnDone on_done_;
  Mutex mutex_;
  Condition came_;  // huge pages that somebody waits for
  Mutex threads_mutex_;
  std::vector<NativeThread> threads_ GUARDED_BY(threads_mutex_);
};

}  // namespace pageferry
