// Which pages a process wrote, interval by interval, for a guest that does the same.
//
// TraceView reads a trace where it lies: in the appendix of a guest's memory, whose bytes came from a
// peer and may be anything. So whoever uses a value bounds it, and every search ends.
//
// Thread contract: immutable; pure functions. In post-copy a guest thread that reads a view may wait
// for the page.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "region/guest_memory.h"
#include "workload/guest_words.h"

namespace pageferry {

// Both count from the trace's start.
struct TraceInterval {
  std::uint64_t end_ns = 0;
  std::uint64_t end_write = 0;
};

// Ascending intervals; the last one ends with the last write.
struct Trace {
  std::uint64_t page_count = 0;
  std::vector<TraceInterval> intervals;
  std::vector<std::uint32_t> writes;  // pages, each below page_count
};

// The same on `pages` pages, at most as many as the trace has: page i of n becomes page i × pages ÷ n. Pages of
// one interval that become one page are written once.
Trace scaled_trace(const Trace& trace, std::uint64_t pages);

// Where in a trace the writes of one interval lie.
struct TraceSpan {
  std::uint64_t start_ns;
  std::uint64_t length_ns;
  std::uint64_t first_write;
  std::uint64_t write_count;
};

class TraceView {
 public:
  static constexpr std::uint64_t kIntervalBytes = 16;
  static constexpr std::uint64_t kWriteBytes = 4;

  TraceView() = default;
  // `at`: the intervals, then the writes.
  TraceView(const std::byte* at, std::uint64_t intervals, std::uint64_t writes)
      : intervals_(at),
        writes_(at + intervals * kIntervalBytes),
        interval_count_(intervals),
        write_count_(writes) {}

  std::uint64_t write_count() const { return write_count_; }
  std::uint64_t page(std::uint64_t write) const {
    const std::uint64_t both = load_guest_word(writes_ + write / 2 * kWordBytes);
    return (both >> write % 2 * 32) & 0xffffffff;
  }
  std::uint64_t duration_ns() const { return interval(interval_count_ - 1).end_ns; }
  // The interval that the write belongs to.
  TraceSpan span_of(std::uint64_t write) const;

 private:
  TraceInterval interval(std::uint64_t index) const {
    const std::byte* const at = intervals_ + index * kIntervalBytes;
    return {load_guest_word(at), load_guest_word(at + kWordBytes)};
  }

  const std::byte* intervals_ = nullptr;
  const std::byte* writes_ = nullptr;
  std::uint64_t interval_count_ = 0;
  std::uint64_t write_count_ = 0;
};

}  // namespace pageferry
