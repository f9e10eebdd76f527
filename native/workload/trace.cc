#include "workload/trace.h"

namespace pageferry {

Trace scaled_trace(const Trace& trace, std::uint64_t pages) {
  if (pages >= trace.page_count) return trace;
  Trace scaled{pages, {}, {}};
  // The interval, counted from 1, in which each page was last written.
  std::vector<std::uint32_t> last_written(pages, 0);
  std::uint64_t write = 0;
  for (const TraceInterval& interval : trace.intervals) {
    const auto number = static_cast<std::uint32_t>(scaled.intervals.size() + 1);
    for (; write < interval.end_write; ++write) {
      const std::uint64_t page = trace.writes[write] * pages / trace.page_count;
      if (last_written[page] == number) continue;
      last_written[page] = number;
      scaled.writes.push_back(static_cast<std::uint32_t>(page));
    }
    scaled.intervals.push_back({interval.end_ns, scaled.writes.size()});
  }
  return scaled;
}

TraceSpan TraceView::span_of(std::uint64_t write) const {
  // The first interval that ends after the write.
  std::uint64_t low = 0;
  std::uint64_t high = interval_count_ - 1;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (interval(middle).end_write > write) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  const TraceInterval before = low == 0 ? TraceInterval{} : interval(low - 1);
  const TraceInterval found = interval(low);
  return {before.end_ns, found.end_ns - before.end_ns, before.end_write,
          found.end_write - before.end_write};
}

}  // namespace pageferry
