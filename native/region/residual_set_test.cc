#include "region/residual_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace pageferry {
namespace {

TEST(ResidualSet, AnEmptySetHasNoStretch) {
  ResidualSet residual(100);
  EXPECT_EQ(residual.next_stretch(10).count, 0u);
}

TEST(ResidualSet, StretchesBeginWithAPageOfTheSetAndEndWithTheGuest) {
  ResidualSet residual(100);
  residual.pages().set(95);
  const PageRange stretch = residual.next_stretch(10);
  EXPECT_EQ(stretch.first, 95u);
  EXPECT_EQ(stretch.end(), 100u);
}

TEST(ResidualSet, ThePushGoesOnBehindThePageThatWasDemanded) {
  ResidualSet residual(1000);
  residual.pages().set_range(residual.pages().all());
  EXPECT_EQ(residual.next_stretch(10).first, 0u);
  EXPECT_EQ(residual.next_stretch(10).first, 10u);
  residual.demanded(500);
  EXPECT_FALSE(residual.pages().test(500));
  EXPECT_EQ(residual.next_stretch(10).first, 501u);
  EXPECT_EQ(residual.next_stretch(10).first, 511u);
}

TEST(ResidualSet, WhatLiesBeforeADemandedPageIsNotForgotten) {
  ResidualSet residual(1000);
  residual.pages().set_range(residual.pages().all());
  residual.demanded(999);
  const PageRange stretch = residual.next_stretch(10);
  EXPECT_EQ(stretch.first, 0u);
  EXPECT_EQ(stretch.count, 10u);
}

TEST(ResidualSet, SeveralThreadsAndDemandsTakeEachPageOnce) {
  constexpr std::uint64_t kPages = 20'000;
  ResidualSet residual(kPages);
  residual.pages().set_range(residual.pages().all());
  std::vector<std::atomic<int>> taken(kPages);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      while (true) {
        const PageRange stretch = residual.next_stretch(64);
        if (stretch.count == 0) return;
        for (PageIndex page = stretch.first; page < stretch.end(); ++page) {
          if (residual.pages().take(page)) taken[page].fetch_add(1);
        }
      }
    });
  }
  for (PageIndex page = 0; page < kPages; page += 37) residual.demanded(page * 7919 % kPages);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(residual.pages().count(), 0u);
  EXPECT_TRUE(std::ranges::all_of(taken, [](const auto& count) { return count.load() <= 1; }));
}

}  // namespace
}  // namespace pageferry
