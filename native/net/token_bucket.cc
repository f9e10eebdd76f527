#include "net/token_bucket.h"

#include <algorithm>

namespace pageferry {

namespace {

// Unused rate is kept for this long: enough to bridge a late wake-up, too little for a burst.
constexpr double kDepthSeconds = 0.002;
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
  const std::lock_guard lock(mutex_);
  refill(Clock::now());
  rate_ = bytes_per_second;
  changed_.notify_all();
}

bool TokenBucket::acquire(std::uint64_t bytes) {
  std::unique_lock lock(mutex_);
  while (true) {
    if (cancelled_) return false;
    if (rate_ == 0) return true;
    refill(Clock::now());
    if (tokens_ >= 0) break;
    const std::chrono::duration<double> debt_paid_in(-tokens_ / static_cast<double>(rate_));
    // Capped so that a rate of a few bytes per second cannot overflow the clock.
    changed_.wait_for(lock, std::min(debt_paid_in, std::chrono::duration<double>(1)));
  }
  tokens_ -= static_cast<double>(bytes);
  return true;
}

void TokenBucket::charge(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (rate_ != 0) tokens_ -= static_cast<double>(bytes);
}

void TokenBucket::refund(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (rate_ == 0) return;
  tokens_ += static_cast<double>(bytes);
  changed_.notify_all();
}

std::uint64_t TokenBucket::batch_bytes(std::uint64_t most) const {
  const std::lock_guard lock(mutex_);
  if (rate_ == 0) return most;
  const auto share = static_cast<std::uint64_t>(static_cast<double>(rate_) * kBatchSeconds);
  return std::clamp(share, kLeastBatchBytes, most);
}

void TokenBucket::cancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  changed_.notify_all();
}

}  // namespace pageferry
