#include "workload/run_control.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace pageferry {
namespace {

constexpr std::int64_t kHourNs = 3600 * std::int64_t{1'000'000'000};

TEST(RunControl, PauseEndsASleepThatWouldLastAnHour) {
  RunControl control;
  std::atomic<bool> running{false};
  bool slept_to_the_end = true;
  std::thread guest([&] {
    while (control.await_resume()) {
      running = true;
      slept_to_the_end = control.sleep_until(monotonic_ns() + kHourNs);
      control.park();
    }
  });
  control.resume();
  while (!running) std::this_thread::yield();
  control.pause();
  EXPECT_FALSE(slept_to_the_end);
  control.stop();
  guest.join();
}

TEST(RunControl, PauseWithinSaysWhetherEveryGuestThreadIsParked) {
  RunControl control;
  EXPECT_TRUE(control.pause_within(std::chrono::nanoseconds(0)));
  std::atomic<bool> running{false};
  std::atomic<bool> may_park{false};
  std::thread guest([&] {
    while (control.await_resume()) {
      running = true;
      while (!may_park) std::this_thread::yield();  // As one that waits for a page.
      control.park();
    }
  });
  control.resume();
  while (!running) std::this_thread::yield();
  EXPECT_FALSE(control.pause_within(std::chrono::milliseconds(1)));
  may_park = true;
  control.pause();
  EXPECT_TRUE(control.pause_within(std::chrono::nanoseconds(0)));
  control.stop();
  guest.join();
}

TEST(RunControl, ASleepEndsAtItsDeadline) {
  RunControl control;
  control.resume();
  const std::int64_t deadline = monotonic_ns() + 1'000'000;
  EXPECT_TRUE(control.sleep_until(deadline));
  EXPECT_GE(monotonic_ns(), deadline);
}

TEST(RunControl, NoGuestThreadRunsAfterPauseHoweverItRacesWithResume) {
  RunControl control;
  std::atomic<int> inside{0};
  std::vector<std::thread> guests;
  for (int i = 0; i < 4; ++i) {
    guests.emplace_back([&] {
      while (control.await_resume()) {
        ++inside;
        while (!control.pause_requested()) std::this_thread::yield();
        --inside;
        control.park();
      }
    });
  }
  for (int i = 0; i < 500; ++i) {
    control.resume();
    if (i % 2 == 0) std::this_thread::yield();
    control.pause();
    EXPECT_EQ(inside, 0);
  }
  control.stop();
  for (std::thread& guest : guests) guest.join();
}

}  // namespace
}  // namespace pageferry
