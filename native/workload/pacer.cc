#include "workload/pacer.h"

#include <algorithm>
#include <limits>

#include "workload/rng.h"

namespace pageferry {

namespace {

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
constexpr std::int64_t kBatchNs = 200'000;
constexpr std::uint64_t kBurstsPerSecond = 100;  // a burst is what 10 ms earn
constexpr std::int64_t kLongestWaitNs = 3600 * std::int64_t{1'000'000'000};

}  // namespace

Pacer::Pacer(std::uint64_t writes_per_second, std::uint32_t threads)
    : writes_per_second_(writes_per_second),
      thread_seconds_(threads * kNsPerSecond),
      burst_(std::max<std::uint64_t>(1, writes_per_second / threads / kBurstsPerSecond)) {}

std::uint64_t Pacer::longest_wait_ns(std::uint64_t writes_per_second, std::uint32_t threads) {
  if (writes_per_second == 0) return 0;
  const std::uint64_t write_ns = threads * kNsPerSecond / writes_per_second + 1;
  return std::clamp<std::uint64_t>(write_ns, kBatchNs, kLongestWaitNs);
}

std::uint64_t Pacer::earned(std::int64_t now_ns) const {
  const auto elapsed = static_cast<std::uint64_t>(std::max<std::int64_t>(0, now_ns - origin_ns_));
  return static_cast<std::uint64_t>(Uint128{elapsed} * writes_per_second_ / thread_seconds_);
}

std::uint64_t Pacer::grant(std::int64_t now_ns) {
  if (writes_per_second_ == 0) return std::numeric_limits<std::uint64_t>::max();
  if (!started_) {
    started_ = true;
    origin_ns_ = now_ns;
  }
  const std::uint64_t total = earned(now_ns);
  const std::uint64_t due = total - granted_;
  granted_ = total;
  return std::min(due, burst_);
}

std::int64_t Pacer::next_grant_ns(std::int64_t now_ns) const {
  const Uint128 elapsed = (Uint128{granted_} + 1) * thread_seconds_ / writes_per_second_ + 1;
  const auto since_now = static_cast<std::int64_t>(
      std::min<Uint128>(elapsed, std::numeric_limits<std::int64_t>::max() / 2) -
      static_cast<Uint128>(std::max<std::int64_t>(0, now_ns - origin_ns_)));
  return now_ns + std::clamp(since_now, kBatchNs, kLongestWaitNs);
}

}  // namespace pageferry
