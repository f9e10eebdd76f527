// Latencies in buckets whose width is at most 1/16 of their value, so that percentiles of millions of
// demand faults need a few kilobytes.
//
// Thread contract: everything from any thread, and nobody waits. What is read while others record is
// approximate.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

namespace pageferry {

class LatencyHistogram {
 public:
  void record(std::uint64_t nanoseconds) {
    buckets_[bucket_of(nanoseconds)].fetch_add(1, std::memory_order_relaxed);
    count_.fetch_add(1, std::memory_order_relaxed);
    std::uint64_t max = max_.load(std::memory_order_relaxed);
    while (nanoseconds > max &&
           !max_.compare_exchange_weak(max, nanoseconds, std::memory_order_relaxed)) {
    }
  }

  std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }
  std::uint64_t max() const { return max_.load(std::memory_order_relaxed); }

  // The latency that this share (0 … 1) of the records does not exceed: a bucket's upper bound, and
  // never more than max(). 0 when nothing was recorded.
  std::uint64_t percentile(double share) const;

 private:
  static constexpr unsigned kSubBits = 4;  // 16 buckets for each power of two

  static unsigned bucket_of(std::uint64_t value) {
    if (value < (1u << kSubBits)) return static_cast<unsigned>(value);
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - kSubBits - 1;
    return (shift << kSubBits) + static_cast<unsigned>(value >> shift);
  }
  static std::uint64_t upper_bound(unsigned bucket);

  std::array<std::atomic<std::uint64_t>, (64 - kSubBits + 1) << kSubBits> buckets_{};
  std::atomic<std::uint64_t> count_{0};
  std::atomic<std::uint64_t> max_{0};
};

}  // namespace pageferry
