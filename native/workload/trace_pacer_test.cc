#include "workload/trace_pacer.h"

#include <gtest/gtest.h>

#include <cstring>

#include "workload/appendix.h"

namespace pageferry {
namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kStart = 5'000 * kMs;

// Owns the bytes that a view reads.
class StoredTrace {
 public:
  explicit StoredTrace(const Trace& trace)
      : content_{false, {trace.intervals.size(), trace.writes.size()}},
        bytes_(appendix_pages(content_, 0) * kPageBytes / kWordBytes) {
    AppendixWriter(data(), content_, 0).set_trace(trace);
  }
  TraceView view() const {
    return Appendix(reinterpret_cast<const std::byte*>(bytes_.data()), content_, 0).trace();
  }
  std::byte* data() { return reinterpret_cast<std::byte*>(bytes_.data()); }

 private:
  AppendixContent content_;
  std::vector<std::uint64_t> bytes_;
};

// 100 ms with four writes, 100 ms without, 50 ms with one.
Trace make_trace() {
  return {4, {{100'000'000, 4}, {200'000'000, 4}, {250'000'000, 5}}, {0, 1, 2, 3, 2}};
}

// The times, since the start, at which each write happens if the pacer is asked whenever it says.
std::vector<std::int64_t> times_of(TracePacer& pacer, std::uint64_t writes, std::int64_t start) {
  std::vector<std::int64_t> times;
  std::int64_t now = start;
  while (times.size() < writes) {
    const std::uint64_t granted = pacer.grant(now, times.size());
    for (std::uint64_t i = 0; i < granted; ++i) times.push_back(now - start);
    if (granted == 0) now = pacer.next_grant_ns(now, times.size());
  }
  return times;
}

TEST(TracePacer, SpreadsTheWritesOfAnIntervalOverItAndBeginsAgainAfterTheLast) {
  const StoredTrace trace(make_trace());
  TracePacer pacer(trace.view());
  const auto times = times_of(pacer, 8, kStart);
  const std::vector<std::int64_t> expected = {0, 25, 50, 75, 200, 250, 275, 300};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_GE(times[i], expected[i] * kMs) << i;
    EXPECT_LE(times[i], expected[i] * kMs + kMs) << i;
  }
}

TEST(TracePacer, GoesOnWhereTheGuestWasAndNotAtTheStart) {
  const StoredTrace trace(make_trace());
  TracePacer pacer(trace.view());
  EXPECT_EQ(pacer.grant(kStart, 4), 1u);
  EXPECT_EQ(pacer.grant(kStart, 5), 0u);
  EXPECT_EQ(pacer.next_grant_ns(kStart, 5), kStart + 50 * kMs);
}

TEST(TracePacer, DoesNotMakeUpForALongPause) {
  const StoredTrace trace(make_trace());
  TracePacer pacer(trace.view());
  EXPECT_EQ(pacer.grant(kStart, 0), 1u);
  // Ten seconds late, it is as if the second write had been due 10 ms ago.
  const std::int64_t late = kStart + 10'000 * kMs;
  EXPECT_EQ(pacer.grant(late, 1), 1u);
  EXPECT_EQ(pacer.grant(late, 2), 0u);
  EXPECT_EQ(pacer.next_grant_ns(late, 2), late + 15 * kMs);
}

TEST(TracePacer, EndsWithWhateverBytesAPeerSent) {
  for (const unsigned byte : {0x00u, 0x01u, 0x7fu, 0x80u, 0xffu}) {
    StoredTrace trace(make_trace());
    std::memset(trace.data(), static_cast<int>(byte), 3 * TraceView::kIntervalBytes);
    TracePacer pacer(trace.view());
    std::int64_t now = kStart;
    for (std::uint64_t operation : {0u, 1u, 4u, 5u, 1'000'003u}) {
      pacer.grant(now, operation);
      const std::int64_t next = pacer.next_grant_ns(now, operation);
      EXPECT_GT(next, now);
      EXPECT_LE(next, now + 3'600'000 * kMs);
      now += kMs;
    }
  }
}

TEST(ScaledTrace, KeepsTheIntervalsAndWritesAPageOncePerInterval) {
  const Trace trace = {8, {{10, 4}, {20, 6}}, {0, 1, 2, 7, 1, 7}};
  const Trace scaled = scaled_trace(trace, 4);
  EXPECT_EQ(scaled.page_count, 4u);
  EXPECT_EQ(scaled.writes, (std::vector<std::uint32_t>{0, 1, 3, 0, 3}));
  ASSERT_EQ(scaled.intervals.size(), 2u);
  EXPECT_EQ(scaled.intervals[0].end_write, 3u);
  EXPECT_EQ(scaled.intervals[1].end_write, 5u);
  EXPECT_EQ(scaled.intervals[1].end_ns, 20u);
}

TEST(ScaledTrace, IsTheTraceItselfWhereTheMemoryIsLargeEnough) {
  const Trace trace = {8, {{10, 2}}, {0, 7}};
  EXPECT_EQ(scaled_trace(trace, 9).writes, trace.writes);
  EXPECT_EQ(scaled_trace(trace, 9).page_count, 8u);
}

}  // namespace
}  // namespace pageferry
