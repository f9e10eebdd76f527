// The demand faults whose page has not come yet, and the latency of those whose page has: what a guest
// thread felt, whoever brought its page.
//
// A fault is open from its first thread until its page is mapped. Who maps pages, a page channel's
// thread or the fault handler's, takes the faults on them out and records how long they were open.
// Nearly always nobody waits, and then that costs one atomic operation.
//
// Thread contract: everything from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

#include "os/mutex.h"
#include "region/latency_histogram.h"
#include "region/page_bitmap.h"

namespace pageferry {

class WaitingFaults {
 public:
  using Clock = std::chrono::steady_clock;
  struct Fault {
    PageIndex page;
    Clock::time_point since;
  };

  // A thread waits for this page. Whoever calls this then looks once more whether the page has come:
  // who published it before this call does not know of the fault.
  void open(const Fault& fault) {
    const MutexLock lock(mutex_);
    if (open_.emplace(fault.page, fault.since).second) {
      count_.fetch_add(1, std::memory_order_acq_rel);
    }
  }

  // The open faults on these pages, which from now on are the caller's to map and to record.
  std::vector<Fault> take(PageRange pages) {
    // Not a load: in the order of all changes of this counter either an open() comes before this one,
    // and its fault is found here, or this one comes before, and who called open() then finds what
    // this thread did so far, which is that the page is no longer missing.
    if (count_.fetch_add(0, std::memory_order_acq_rel) == 0) return {};
    std::vector<Fault> taken;
    const MutexLock lock(mutex_);
    const auto begin = open_.lower_bound(pages.first);
    const auto end = open_.lower_bound(pages.end());
    for (auto at = begin; at != end; ++at) taken.push_back({at->first, at->second});
    open_.erase(begin, end);
    count_.fetch_sub(taken.size(), std::memory_order_acq_rel);
    return taken;
  }

  // The pages of these faults are mapped and their threads awake.
  void record(const std::vector<Fault>& mapped) {
    for (const Fault& fault : mapped) {
      const auto took =
          std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - fault.since);
      latency_.record(static_cast<std::uint64_t>(took.count()));
    }
  }

  const LatencyHistogram& latency() const { return latency_; }

 private:
  Mutex mutex_;
  std::map<PageIndex, Clock::time_point> open_ GUARDED_BY(mutex_);
  std::atomic<std::uint64_t> count_{0};  // of open_
  LatencyHistogram latency_;
};

}  // namespace pageferry
