#include "fault/awake_time.h"

#include <gtest/gtest.h>

namespace pageferry {
namespace {

using namespace std::chrono_literals;

constexpr auto kBurst = 500us;
constexpr auto kAllowance = 50ms;

// A fault handler to which a test tells the time.
struct Faults {
  AwakeTime::Clock::time_point now{1h};
  AwakeTime time{{.burst = kBurst, .quiet = 20ms, .allowance = kAllowance}};

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

TEST(AwakeTime, OneBurstMaySpendAllOfTheAllowance) {
  Faults faults;
  faults.fault(0ns);
  ASSERT_TRUE(faults.fault(1us));
  for (auto spent = 100us; spent < kAllowance; spent += 100us) ASSERT_TRUE(faults.fault(100us));
  EXPECT_FALSE(faults.fault(100us));
}

TEST(AwakeTime, AShortBurstTakesLittleOfIt) {
  Faults faults;
  faults.fault(0ns);
  ASSERT_TRUE(faults.fault(1us));
  ASSERT_FALSE(faults.fault(1ms));
  EXPECT_TRUE(faults.fault(1us));
}

TEST(AwakeTime, WhatWasSpentGrowsBackByANinthOfTheTime) {
  Faults faults;
  faults.fault(0ns);
  faults.fault(1us);
  while (faults.time.awake()) faults.fault(100us);
  // A burst needs a quarter of the allowance.
  faults.now += 9 * std::chrono::microseconds(kAllowance) / 4 - 18us;
  faults.fault(0ns);
  EXPECT_FALSE(faults.fault(9us));
  EXPECT_TRUE(faults.fault(9us));
}

TEST(AwakeTime, FaultsWithoutEndKeepCoresAwakeForATenthOfTheTime) {
  Faults faults;
  const auto step = 25us;
  std::chrono::nanoseconds awake = 0ns;
  for (std::chrono::nanoseconds at = 0ns; at < 100s; at += step) {
    if (faults.fault(step)) awake += step;
  }
  EXPECT_NEAR(static_cast<double>(awake.count()), 10e9, 0.1e9);
}

}  // namespace
}  // namespace pageferry
