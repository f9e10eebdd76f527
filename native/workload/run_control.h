// Where guest threads wait: while the guest is paused, and until the next write under a rate limit.
//
// Thread contract: guest threads call await_resume(), pause_requested() and sleep_until(); one
// controlling thread at a time calls the others. A guest starts paused.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "os/mutex.h"

namespace pageferry {

// CLOCK_MONOTONIC.
std::int64_t monotonic_ns();

class RunControl {
 public:
  // Parks the calling guest thread until the guest runs; false when it is to end instead.
  bool await_resume();
  bool pause_requested() const { return pause_requested_.load(std::memory_order_acquire); }
  // Sleeps until the clock says `deadline_ns`; false, and at once, when the guest is to pause.
  bool sleep_until(std::int64_t deadline_ns);
  // To be called by a guest thread that leaves its operations, before await_resume().
  void park();

  void resume();
  // On return every guest thread is parked.
  void pause();
  // The same for at most so long, and without sleeping: most guests park in less time than it takes to wake
  // a thread that waits for it. True when every guest thread is parked. Otherwise they are about to be, and
  // pause() has to be called for it.
  bool pause_within(std::chrono::nanoseconds patience);
  // Paused only: lets every guest thread end.
  void stop();

 private:
  void request_pause();

  std::atomic<bool> pause_requested_{true};
  Mutex mutex_;
  Condition guest_;                   // for guest threads
  Condition controller_;              // for pause()
  std::atomic<unsigned> running_{0};  // guest threads that are not parked; changed under the mutex
  bool stopping_ GUARDED_BY(mutex_) = false;
};

}  // namespace pageferry
