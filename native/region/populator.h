// Populates parts of a guest's memory before its pages arrive there.
//
// The parts are cut into chunks. Its threads go through them in the order in which pages come. A page channel
// that is there first populates the chunk by itself: so it neither waits for a thread that gets no core nor
// takes a fault for each page. Every chunk is populated by exactly one thread.
//
// Thread contract: ensure(), cancel() and stop() from any thread. on_done is called once, on a thread of the
// populator's or on one that is in a call of it, and must not destroy the populator. The destructor stops.
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

  // `parts` ascend and do not overlap. The whole huge pages of each are populated where the backing is shared,
  // and then added to `populated`, which outlives this. Fewer threads than asked for are as good: what none of
  // them comes to is populated by whoever needs it.
  Populator(std::shared_ptr<GuestMemory> memory, const std::vector<PageRange>& parts,
            PageBitmap& populated, OnDone on_done);
  Populator(const Populator&) = delete;
  Populator& operator=(const Populator&) = delete;
  ~Populator() { stop(); }

  // On return no chunk that has pages of this run will be populated by another thread any more. Memory that is
  // not to be had is noticed by whoever then writes there.
  void ensure(PageRange run);

  // Nobody needs the memory any more: on_done was called on return, and no thread begins anything new.
  void cancel();
  // The same, and on return nothing is being populated any more.
  void stop();

 private:
  enum class State : std::uint8_t { kWaiting, kUnderWay, kDone };
  struct Chunk {
    explicit Chunk(PageRange range) : pages(range) {}
    const PageRange pages;  // in one region
    std::atomic<State> state{State::kWaiting};
  };

  void add(const Region& region, PageRange part);
  void go_ahead() noexcept;
  // True for the one caller that is to populate it.
  static bool claim(Chunk& chunk);
  void populate(Chunk& chunk) EXCLUDES(mutex_);
  void wait_for(const Chunk& chunk) EXCLUDES(mutex_);
  void finish();

  const std::shared_ptr<GuestMemory> memory_;
  PageBitmap& populated_;
  const OnDone on_done_;
  std::vector<std::unique_ptr<Chunk>> chunks_;  // ascending
  std::atomic<std::size_t> left_{0};            // chunks that are not done
  std::atomic<bool> stopping_{false};
  std::atomic<bool> finished_{false};
  Mutex mutex_;
  Condition chunk_done_;
  Mutex threads_mutex_;
  std::vector<NativeThread> threads_ GUARDED_BY(threads_mutex_);
};

}  // namespace pageferry
