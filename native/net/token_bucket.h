// Holds all page channels of a migration together below a rate in bytes per second.
//
// Thread contract: every call from any thread. cancel() makes every acquire, now and later, return
// false at once.
#pragma once

#include <chrono>
#include <cstdint>

#include "os/mutex.h"

namespace pageferry {

class TokenBucket {
 public:
  // 0 bytes per second: no limit.
  explicit TokenBucket(std::uint64_t bytes_per_second = 0) : rate_(bytes_per_second) {}

  // Takes effect for waiting threads too.
  void set_rate(std::uint64_t bytes_per_second);

  // Waits until the bucket is not in debt, then takes `bytes`, which may put it in debt: a large send
  // goes out whole and the next one pays for it. False when cancelled.
  bool acquire(std::uint64_t bytes);
  // Takes `bytes` without waiting: a demand page is never held back, but it is paid for, up to a debt of
  // some milliseconds.
  void charge(std::uint64_t bytes);
  // Gives back what was acquired and not sent.
  void refund(std::uint64_t bytes);

  // How much to send at once so that the rate is held over any few milliseconds.
  std::uint64_t batch_bytes(std::uint64_t most) const;

  void cancel();

 private:
  using Clock = std::chrono::steady_clock;
  void refill(Clock::time_point now) REQUIRES(mutex_);

  mutable Mutex mutex_;
  Condition changed_;
  std::uint64_t rate_ GUARDED_BY(mutex_);
  double tokens_ GUARDED_BY(mutex_) = 0;  // negative: in debt
  Clock::time_point refilled_ GUARDED_BY(mutex_) = Clock::now();
  bool cancelled_ GUARDED_BY(mutex_) = false;
};

}  // namespace pageferry
