#include "region/waiting_faults.h"

#include <gtest/gtest.h>

namespace pageferry {
namespace {

using std::chrono::seconds;

TEST(WaitingFaults, TakesTheFaultsOfTheseRunsAndLeavesTheOthers) {
  WaitingFaults faults;
  const auto now = WaitingFaults::Clock::now();
  for (const PageIndex page : {3, 9, 4, 8}) faults.open({page, now});
  EXPECT_TRUE(faults.take({0, 3}).empty());
  EXPECT_TRUE(faults.take({5, 3}).empty());
  const auto taken = faults.take({4, 5});
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].page, 4u);
  EXPECT_EQ(taken[1].page, 8u);
  EXPECT_TRUE(faults.take({4, 5}).empty()) << "somebody else has taken them";
  EXPECT_EQ(faults.take({0, 100}).size(), 2u);
  EXPECT_TRUE(faults.take({0, 100}).empty());
  EXPECT_EQ(faults.latency().count(), 0u);
}

TEST(WaitingFaults, APageThatSeveralThreadsWaitForIsTimedOnceFromTheFirst) {
  WaitingFaults faults;
  const auto now = WaitingFaults::Clock::now();
  faults.open({5, now - seconds(1000)});
  faults.open({5, now});
  const auto taken = faults.take({5, 1});
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_TRUE(faults.take({5, 1}).empty());
  faults.record(taken);
  EXPECT_EQ(faults.latency().count(), 1u);
  EXPECT_GE(faults.latency().max(), 1'000'000'000'000u);
}

}  // namespace
}  // namespace pageferry
