#include "region/latency_histogram.h"

#include <algorithm>
#include <cmath>

namespace pageferry {

std::uint64_t LatencyHistogram::upper_bound(unsigned bucket) {
  constexpr unsigned kSub = 1u << kSubBits;
  if (bucket < 2 * kSub) return bucket;
  const unsigned shift = bucket / kSub - 1;
  const std::uint64_t mantissa = kSub + bucket % kSub;
  return ((mantissa + 1) << shift) - 1;
}

std::uint64_t LatencyHistogram::percentile(double share) const {
  const auto total = count();
  if (total == 0) return 0;
  const auto rank = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(total))));
  std::uint64_t seen = 0;
  for (unsigned bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket].load(std::memory_order_relaxed);
    if (seen >= rank) return std::min(upper_bound(bucket), max());
  }
  return max();
}

}  // namespace pageferry
