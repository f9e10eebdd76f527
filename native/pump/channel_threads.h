// One thread for each page channel of a source, parked between the calls that need it.
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

class ChannelThreads {
 public:
  // Fails when the system has no thread left for one of them.
  static Result<std::unique_ptr<ChannelThreads>> start(std::size_t channels);
  ChannelThreads(const ChannelThreads&) = delete;
  ChannelThreads& operator=(const ChannelThreads&) = delete;
  ~ChannelThreads();

  // Channel 0's thread does the work, after what it was given before. The work throws nothing.
  void begin(std::function<void()> work) EXCLUDES(mutex_);

  // Calls share(i) for each channel, on its thread; on return all are done. `share` throws nothing.
  void spread(const std::function<void(std::size_t)>& share) EXCLUDES(mutex_);

 private:
  explicit ChannelThreads(std::size_t channels) : channels_(channels) {}
  void lead() noexcept EXCLUDES(mutex_);
  void follow(std::size_t channel) noexcept EXCLUDES(mutex_);

  const std::size_t channels_;
  Mutex mutex_;
  Condition work_came_;    // for channel 0's thread
  Condition share_came_;   // for the others
  Condition shares_done_;  // for whoever spreads
  std::deque<std::function<void()>> work_ GUARDED_BY(mutex_);
  const std::function<void(std::size_t)>* share_ GUARDED_BY(mutex_) = nullptr;
  std::uint64_t spread_ GUARDED_BY(mutex_) = 0;  // so many times
  std::size_t shares_running_ GUARDED_BY(mutex_) = 0;
  bool ending_ GUARDED_BY(mutex_) = false;  // for channel 0's thread
  // For the others, which it needs for the work that is left.
  bool led_to_the_end_ GUARDED_BY(mutex_) = false;
  std::vector<NativeThread> threads_;  // last, so that they are joined first
};

}  // namespace pageferry
