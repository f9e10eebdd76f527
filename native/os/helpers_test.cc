#include "os/helpers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <numeric>
#include <thread>

namespace pageferry {
namespace {

TEST(Helpers, DoEachPartExactlyOnce) {
  Helpers helpers(3);
  for (const std::size_t parts : {0, 1, 2, 1000}) {
    for (int round = 0; round < 50; ++round) {
      std::vector<std::atomic<int>> done(parts);
      helpers.run(parts, [&](std::size_t part) { done[part].fetch_add(1); });
      for (const auto& times : done) EXPECT_EQ(times.load(), 1);
    }
  }
}

TEST(Helpers, WorkBesideTheCaller) {
  Helpers helpers(1);
  std::latch both(2);  // Each part waits for the other: one thread alone would wait for ever.
  helpers.run(2, [&](std::size_t) { both.arrive_and_wait(); });
}

TEST(Helpers, AreNotNeeded) {
  Helpers nobody(0);
  std::size_t sum = 0;
  nobody.run(10, [&](std::size_t part) { sum += part; });
  EXPECT_EQ(sum, 45u);
}

TEST(Helpers, CallsThatOverlapAreEachDoneInFull) {
  Helpers helpers(2);
  std::vector<std::thread> callers;
  std::atomic<std::uint64_t> total{0};
  for (int caller = 0; caller < 3; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        std::atomic<std::uint64_t> sum{0};
        helpers.run(20, [&](std::size_t part) { sum.fetch_add(part); });
        total.fetch_add(sum.load());
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(total.load(), 3u * 200 * 190);
}

}  // namespace
}  // namespace pageferry
