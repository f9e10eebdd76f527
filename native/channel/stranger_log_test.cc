#include "channel/stranger_log.h"

#include <gtest/gtest.h>

#include <vector>

namespace pageferry {
namespace {

using std::chrono::milliseconds;

TEST(StrangerLog, TellsOfTheFirstOnesAtOnceAndCountsTheOthers) {
  std::vector<Stranger> told;
  StrangerLog log([&](Stranger who) { told.push_back(std::move(who)); });
  auto now = StrangerLog::Clock::now();
  for (int i = 0; i < 100; ++i) {
    log.turned_away("peer " + std::to_string(i), "speaks another protocol", now);
  }
  ASSERT_EQ(told.size(), 8u);
  EXPECT_EQ(told[7].peer, "peer 7");
  EXPECT_TRUE(log.has_rest());
  log.tell_rest(now + milliseconds(900));
  EXPECT_EQ(told.size(), 8u);
  log.tell_rest(now + milliseconds(1000));
  ASSERT_EQ(told.size(), 9u);
  EXPECT_EQ(told[8].peer, "peer 99");
  EXPECT_EQ(told[8].others, 91u);
  EXPECT_FALSE(log.has_rest());
}

TEST(StrangerLog, ALaterStrangerTellsHowManyCameBeforeIt) {
  std::vector<Stranger> told;
  StrangerLog log([&](Stranger who) { told.push_back(std::move(who)); });
  const auto now = StrangerLog::Clock::now();
  for (int i = 0; i < 10; ++i) log.turned_away("flood", "closed", now);
  log.turned_away("last", "closed", now + milliseconds(1500));
  ASSERT_EQ(told.size(), 9u);
  EXPECT_EQ(told.back().peer, "last");
  EXPECT_EQ(told.back().others, 2u);
  std::uint64_t all = 0;
  for (const Stranger& who : told) all += 1 + who.others;
  EXPECT_EQ(all, 11u);
}

TEST(StrangerLog, WithoutAnyItHasNothingToTell) {
  int told = 0;
  StrangerLog log([&](const Stranger&) { ++told; });
  EXPECT_FALSE(log.has_rest());
  log.tell_rest(StrangerLog::Clock::now());
  EXPECT_EQ(told, 0);
}

}  // namespace
}  // namespace pageferry
