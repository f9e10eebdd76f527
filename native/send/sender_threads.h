// The threads of a source's page channels, one for each, and those that encode for them; parked between the calls that
// need them.
//
// They all exist before the first call, so no call can fail for want of a thread: the active push of
// post-copy begins when the guest has been given up already. And waking one takes less than starting one.
//
// Thread contract: begin() from any thread, spread() from within the work that begin() was given. The
// destructor waits for that work; whoever destroys sees to it that the work ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "os/mutex.h"
#include "os/native_thread.h"
#include "os/status.h"

namespace pageferry {

class SenderThreads {
 public:
  // Fails when the system has no thread left for one of them.
  // Those from `first_nice` on give way to others: they have this nice value, 0 to 19.
  static Result<std::unique_ptr<SenderThreads>> start(std::size_t threads, std::size_t first_nice,
                                                      int nice);
  SenderThreads(const SenderThreads&) = delete;
  SenderThreads& operator=(const SenderThreads&) = delete;
  ~SenderThreads();

  // The first thread does the work, after what it was given before. The work throws nothing.
  void begin(std::function<void()> work) EXCLUDES(mutex_);

  // Calls share(i) on each of the first `shares` threads; on return all are done. `share` throws nothing.
  void spread(std::size_t shares, const std::function<void(std::size_t)>& share) EXCLUDES(mutex_);

 private:
  SenderThreads() = default;
  void lead() noexcept EXCLUDES(mutex_);
  void follow(std::size_t number) noexcept EXCLUDES(mutex_);

  Mutex mutex_;
  Condition work_came_;    // for the first thread
  Condition share_came_;   // for the others
  Condition shares_done_;  // for whoever spreads
  std::deque<std::function<void()>> work_ GUARDED_BY(mutex_);
  const std::function<void(std::size_t)>* share_ GUARDED_BY(mutex_) = nullptr;
  std::uint64_t spread_ GUARDED_BY(mutex_) = 0;  // so many times
  std::size_t shares_ GUARDED_BY(mutex_) = 0;    // of the last spread
  std::size_t shares_running_ GUARDED_BY(mutex_) = 0;
  bool ending_ GUARDED_BY(mutex_) = false;  // for the first thread
  // For the others, which it needs for the work that is left.
  bool led_to_the_end_ GUARDED_BY(mutex_) = false;
  std::vector<NativeThread> threads_;  // last, so that they are joined first
};

}  // namespace pageferry
