#include "workload/gap_watch.h"

#include <algorithm>
#include <limits>

namespace pageferry {

namespace {

constexpr unsigned kEpochShift = 48;
// Before every mark, and far from where subtraction would overflow.
constexpr std::int64_t kLongAgo = std::numeric_limits<std::int64_t>::min() / 4;

std::uint64_t gap_between(std::int64_t from, std::int64_t to) {
  return std::min(static_cast<std::uint64_t>(std::max<std::int64_t>(0, to - from)),
                  GapRecorder::kLongestGapNs);
}

}  // namespace

void GapWatch::begin(std::int64_t now_ns) {
  // The guest was on this host when this watch began.
  set_away(0);
  advance(now_ns);
}

void GapWatch::continue_from_afar() { advance(kLongAgo); }

void GapWatch::advance(std::int64_t start_ns) {
  // The start first: a thread that sees the new epoch must not measure from an older start.
  start_ns_.store(start_ns, std::memory_order_release);
  const std::uint16_t next = epoch_.load(std::memory_order_relaxed) + 1;
  epoch_.store(next == 0 ? 1 : next, std::memory_order_release);
}

void GapRecorder::start(std::int64_t now_ns) {
  last_mark_ns_.store(now_ns - static_cast<std::int64_t>(before_start_ns_.load()));
  started_.store(true, std::memory_order_release);
}

void GapRecorder::mark(std::int64_t now_ns) {
  if (const std::uint64_t epoch = watch_.epoch(); epoch != 0) {
    const std::int64_t last = last_mark_ns_.load(std::memory_order_relaxed);
    const std::uint64_t gap = gap_between(std::max(last, watch_.start_ns()), now_ns);
    if (first_gap_ns_.load(std::memory_order_relaxed) == kNone) {
      first_gap_ns_.store(gap, std::memory_order_release);
    } else if (later_gap_ns_.load(std::memory_order_relaxed) < gap) {
      later_gap_ns_.store(gap, std::memory_order_release);
    }
    const std::uint64_t word = epoch << kEpochShift | gap;
    const std::uint64_t longest = longest_.load(std::memory_order_relaxed);
    if (longest >> kEpochShift != epoch || longest < word) {
      longest_.store(word, std::memory_order_release);
    }
  }
  // Last: who sees this mark sees the gap that it ended.
  last_mark_ns_.store(now_ns, std::memory_order_release);
}

std::uint64_t GapRecorder::under_way_ns(std::int64_t now_ns) const {
  std::uint64_t gap = before_start_ns_.load();
  if (started_.load(std::memory_order_acquire)) {
    const std::int64_t last = last_mark_ns_.load(std::memory_order_acquire);
    gap = gap_between(std::max(last, watch_.start_ns()), now_ns);
  }
  const bool first = first_gap_ns_.load(std::memory_order_acquire) == kNone;
  return first ? std::min(gap + watch_.away_ns(), kLongestGapNs) : gap;
}

std::uint64_t GapRecorder::longest_ended_ns() const {
  const std::uint64_t longest = longest_.load(std::memory_order_acquire);
  std::uint64_t ended = longest >> kEpochShift == watch_.epoch() ? longest & kLongestGapNs : 0;
  // Without time away the first gap is among the others; and after a new watch it no longer counts.
  const std::uint64_t away = watch_.away_ns();
  const std::uint64_t first = first_gap_ns_.load(std::memory_order_acquire);
  if (away > 0 && first != kNone) ended = std::max(ended, std::min(first + away, kLongestGapNs));
  return ended;
}

std::uint64_t GapRecorder::longest_ns(std::int64_t now_ns) const {
  if (!watch_.active()) return 0;
  // The gap under way first: when a mark ends it meanwhile, it is found among those that ended.
  const std::uint64_t under_way = under_way_ns(now_ns);
  return std::max(under_way, longest_ended_ns());
}

GapRecorder::AroundArrival GapRecorder::around_arrival(std::int64_t now_ns) const {
  // In this order: a gap that ends meanwhile is counted twice rather than missed.
  const std::uint64_t under_way = under_way_ns(now_ns);
  const std::uint64_t first = first_gap_ns_.load(std::memory_order_acquire);
  const std::uint64_t before = before_arrival_ns_.load();
  if (first == kNone) return {.before_ns = before, .across_ns = under_way, .after_ns = 0};
  const std::uint64_t later = later_gap_ns_.load(std::memory_order_acquire);
  return {.before_ns = before,
          .across_ns = std::min(first + watch_.away_ns(), kLongestGapNs),
          .after_ns = std::max(later, under_way)};
}

GapRecorder::Saved GapRecorder::save(std::int64_t paused_ns) const {
  if (!watch_.active()) return {0, 0};
  return {under_way_ns(paused_ns), longest_ended_ns()};
}

void GapRecorder::load(const Saved& saved) {
  before_start_ns_.store(saved.since_mark_ns);
  longest_.store(std::uint64_t{watch_.epoch()} << kEpochShift | saved.longest_ns);
  first_gap_ns_.store(kNone);
  later_gap_ns_.store(0);
  before_arrival_ns_.store(saved.longest_ns);
}

}  // namespace pageferry
