#include "net/token_bucket.h"

#include <algorithm>

namespace pageferry {

namespace {

// Unused rate is kept for this long: enough to bridge a late wake-up, too little for a burst.
constexpr double kDepthSeconds = 0.002;
// What demand pages may owe. They are never held back and may exceed the rate for a while; were all of it
// to be paid back, the push would then stand still for as long, and with it the guest.
constexpr double kMostOwedSeconds = 0.004;
constexpr double kBatchSeconds = 0.001;
constexpr std::uint64_t kLeastBatchBytes = 16 << 10;

}  // namespace

void TokenBucket::refill(Clock::time_point now) {
  const double elapsed = std::chrono::duration<double>(now - refilled_).count();
  refilled_ = now;
  const double rate = static_cast<double>(rate_);
  tokens_ = std::min(tokens_ + elapsed * rate, kDepthSeconds * rate);
}

void TokenBucket::set_rate(std::uint64_t bytes_per_second) {
  const MutexLock lock(mutex_);
  refill(Clock::now());
  rate_ = bytes_per_second;
  changed_.notify_all();
}

bool TokenBucket::acquire(std::uint64_t bytes) {
  MutexLock lock(mutex_);
  while (true) {
    if (cancelled_) return false;
    if (rate_ == 0) return true;
    refill(Clock::now());
    if (tokens_ >= 0) break;
    const std::chrono::duration<double> debt_paid_in(-tokens_ / static_cast<double>(rate_));
    // Capped so that a rate of a few bytes per second cannot overflow the clock.
    const auto nap = std::min(debt_paid_in, std::chrono::duration<double>(1));
    changed_.wait_until(lock, refilled_ + std::chrono::duration_cast<Clock::duration>(nap));
  }
  tokens_ -= static_cast<double>(bytes);
  return true;
}

void TokenBucket::charge(std::uint64_t bytes) {
  const MutexLock lock(mutex_);
  if (rate_ == 0) return;
  refill(Clock::now());
  const double least = std::min(tokens_, -kMostOwedSeconds * static_cast<double>(rate_));
  tokens_ = std::max(tokens_ - static_cast<double>(bytes), least);
}

void TokenBucket::refund(std::uint64_t bytes) {
  const MutexLock lock(mutex_);
  if (rate_ == 0) return;
  tokens_ += static_cast<double>(bytes);
  changed_.notify_all();
}

std::uint64_t TokenBucket::batch_bytes(std::uint64_t most) const {
  const MutexLock lock(mutex_);
  if (rate_ == 0) return most;
  const auto share = static_cast<std::uint64_t>(static_cast<double>(rate_) * kBatchSeconds);
  return std::clamp(share, kLeastBatchBytes, most);
}

void TokenBucket::cancel() {
  const MutexLock lock(mutex_);
  cancelled_ = true;
  changed_.notify_all();
}

}  // namespace pageferry
