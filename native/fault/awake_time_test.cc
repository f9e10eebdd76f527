#include "fault/awake_time.h"

#include <gtest/gtest.h>

namespace pageferry {
namespace {

using namespace std::chrono_literals;

constexpr auto kBurst = 500us;
constexpr auto kLongest = 200ms;

// A fault handler to which a test tells the time.
struct Faults {
  AwakeTime::Clock::time_point now{1h};
  AwakeTime time{{.burst = kBurst, .longest = kLongest}};

  bool fault(std::chrono::nanoseconds later) {
    now += later;
    time.fault(now);
    return time.awake();
  }
};

TEST(AwakeTime, ABurstIsTwoFaultsInAShortTime) {
  Faults faults;
  EXPECT_FALSE(faults.fault(0ns));
  EXPECT_FALSE(faults.fault(kBurst));
  EXPECT_TRUE(faults.fault(kBurst - 1ns));
  EXPECT_TRUE(faults.fault(kBurst - 1ns));
}

TEST(AwakeTime, FaultsThatAreFarApartEndIt) {
  Faults faults;
  faults.fault(0ns);
  EXPECT_TRUE(faults.fault(1us));
  EXPECT_FALSE(faults.fault(kBurst));
}

TEST(AwakeTime, QuietEndsIt) {
  Faults faults;
  faults.fault(0ns);
  faults.fault(1us);
  faults.time.quiet(faults.now + faults.time.patience());
  EXPECT_FALSE(faults.time.awake());
}

TEST(AwakeTime, ARestFollowsFourTimesAsLong) {
  Faults faults;
  faults.fault(0ns);
  ASSERT_TRUE(faults.fault(1us));
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(faults.fault(100us));
  faults.now += 100us;
  faults.time.quiet(faults.now);  // 1 ms after it began
  for (int i = 0; i < 39; ++i) EXPECT_FALSE(faults.fault(100us));
  EXPECT_TRUE(faults.fault(100us));
}

TEST(AwakeTime, FaultsWithoutEndKeepCoresAwakeForAFifthOfTheTime) {
  Faults faults;
  const auto step = 25us;
  std::chrono::nanoseconds awake = 0ns;
  std::chrono::nanoseconds longest = 0ns;
  std::chrono::nanoseconds stretch = 0ns;
  for (std::chrono::nanoseconds at = 0ns; at < 20s; at += step) {
    stretch = faults.fault(step) ? stretch + step : 0ns;
    if (faults.time.awake()) awake += step;
    longest = std::max(longest, stretch);
  }
  EXPECT_NEAR(static_cast<double>(awake.count()), 4e9, 0.05e9);
  EXPECT_LE(longest, kLongest + step);
}

}  // namespace
}  // namespace pageferry
