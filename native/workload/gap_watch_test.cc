#include "workload/gap_watch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace pageferry {
namespace {

TEST(GapWatch, CountsOnlyFromItsBeginning) {
  GapWatch watch;
  GapRecorder thread(watch);
  thread.start(1000);
  thread.mark(9000);
  EXPECT_EQ(thread.longest_ns(20'000), 0u);
  watch.begin(20'000);
  EXPECT_EQ(thread.longest_ns(20'100), 100u);
  thread.mark(20'300);
  EXPECT_EQ(thread.longest_ns(20'301), 300u);
}

TEST(GapWatch, KeepsTheLongestGapAndCountsTheOneUnderWay) {
  GapWatch watch;
  GapRecorder thread(watch);
  thread.start(0);
  watch.begin(0);
  for (const std::int64_t now : {10, 510, 600}) thread.mark(now);
  EXPECT_EQ(thread.longest_ns(700), 500u);
  EXPECT_EQ(thread.longest_ns(1700), 1100u);
}

TEST(GapWatch, ANewWatchForgetsTheOldLongestGap) {
  GapWatch watch;
  GapRecorder thread(watch);
  thread.start(0);
  watch.begin(0);
  thread.mark(5000);
  watch.begin(6000);
  EXPECT_EQ(thread.longest_ns(6000), 0u);
  thread.mark(6010);
  EXPECT_EQ(thread.longest_ns(6010), 10u);
}

TEST(GapWatch, TellsGapsBeforeAcrossAndAfterAnArrivalApart) {
  GapWatch there;
  GapRecorder thread(there);
  there.continue_from_afar();
  thread.load({.since_mark_ns = 30, .longest_ns = 960});
  there.set_away(500);
  EXPECT_EQ(thread.around_arrival(10'000).across_ns, 530u);
  thread.start(10'000);
  thread.mark(10'007);
  thread.mark(10'027);
  thread.mark(10'030);
  const auto gaps = thread.around_arrival(10'041);
  EXPECT_EQ(gaps.before_ns, 960u);
  EXPECT_EQ(gaps.across_ns, 537u);
  EXPECT_EQ(gaps.after_ns, 20u);
  EXPECT_EQ(thread.around_arrival(10'061).after_ns, 31u);
}

TEST(GapWatch, TheFirstGapAfterArrivalSpansPauseTravelAndResume) {
  GapWatch here;
  GapRecorder source(here);
  source.start(0);
  here.begin(0);
  source.mark(40);
  source.mark(1000);
  const GapRecorder::Saved saved = source.save(1030);
  EXPECT_EQ(saved.since_mark_ns, 30u);
  EXPECT_EQ(saved.longest_ns, 960u);

  for (const bool away_known_late : {false, true}) {
    GapWatch there;  // whose clock began only just now
    GapRecorder destination(there);
    there.continue_from_afar();
    destination.load(saved);
    EXPECT_EQ(destination.longest_ns(3), 960u);
    if (!away_known_late) there.set_away(5000);
    destination.start(5);
    EXPECT_EQ(destination.longest_ns(6), away_known_late ? 960u : 5031u);
    destination.mark(7);
    destination.mark(8);
    if (away_known_late) there.set_away(5000);
    EXPECT_EQ(destination.longest_ns(9), 5032u);
    EXPECT_EQ(destination.save(9).longest_ns, 5032u);
    there.begin(10);
    EXPECT_EQ(destination.longest_ns(14), 4u);
  }
}

TEST(GapWatch, ANewWatchBeforeTheFirstResumeCountsFromTheResume) {
  GapWatch watch;
  GapRecorder thread(watch);
  watch.begin(100);
  EXPECT_EQ(thread.longest_ns(900), 0u);
  thread.start(1000);
  EXPECT_EQ(thread.longest_ns(1005), 5u);
}

TEST(GapWatch, AGapOfAnOldWatchNeverOutlivesARaceWithANewOne) {
  GapWatch watch;
  GapRecorder thread(watch);
  thread.start(0);
  watch.begin(0);
  std::atomic<std::int64_t> clock{1};
  std::atomic<bool> stop{false};
  std::thread marking([&] {
    while (!stop.load()) {
      const std::int64_t now = clock.load();
      thread.mark(now);
    }
  });
  for (int i = 0; i < 20'000; ++i) {
    clock.fetch_add(1'000'000);  // ends a long gap, at any moment of what follows
    const std::int64_t now = clock.load();
    watch.begin(now);
    const std::uint64_t longest = thread.longest_ns(now + 5);
    EXPECT_LE(longest, 5u);
    if (longest > 5) break;
  }
  stop = true;
  marking.join();
}

}  // namespace
}  // namespace pageferry
