#include "send/sender_threads.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <future>
#include <set>
#include <thread>

#include "os/thread_test_util.h"

namespace pageferry {
namespace {

constexpr std::size_t kChannels = 4;

std::unique_ptr<SenderThreads> make() {
  auto threads = SenderThreads::start(kChannels, kChannels, 0);
  EXPECT_TRUE(threads.ok()) << threads.status().message();
  return std::move(threads.value());
}

TEST(SenderThreads, EachChannelHasTheSameThreadInEveryCall) {
  const auto threads = make();
  std::vector<std::thread::id> first(kChannels);
  std::vector<std::thread::id> ran_on(kChannels);
  for (int call = 0; call < 200; ++call) {
    std::promise<void> done;
    threads->begin([&] {
      threads->spread(kChannels, [&](std::size_t i) { ran_on[i] = std::this_thread::get_id(); });
      done.set_value();
    });
    done.get_future().wait();
    if (call == 0) first = ran_on;
    ASSERT_EQ(ran_on, first);
  }
  EXPECT_EQ(std::set(first.begin(), first.end()).size(), kChannels);
}

TEST(SenderThreads, AThreadWithoutAShareIsNotAskedAndNotWaitedFor) {
  const auto threads = make();
  for (std::size_t call = 0; call < 200; ++call) {
    const std::size_t shares = 1 + call % kChannels;
    std::array<std::atomic<int>, kChannels> asked = {};
    std::promise<void> done;
    threads->begin([&] {
      threads->spread(shares, [&](std::size_t i) { asked[i].fetch_add(1); });
      done.set_value();
    });
    done.get_future().wait();
    for (std::size_t i = 0; i < kChannels; ++i) ASSERT_EQ(asked[i].load(), i < shares ? 1 : 0);
  }
}

TEST(SenderThreads, GiveWayToOthersFromTheOneOnThatIsToldSo) {
  const auto threads = SenderThreads::start(kChannels, 2, 7);
  ASSERT_TRUE(threads.ok());
  const int own = ::getpriority(PRIO_PROCESS, 0);
  std::array<int, kChannels> nice = {};
  std::promise<void> done;
  threads.value()->begin([&] {
    threads.value()->spread(kChannels,
                            [&](std::size_t i) { nice[i] = ::getpriority(PRIO_PROCESS, 0); });
    done.set_value();
  });
  done.get_future().wait();
  const int lower = std::max(own, 7);
  EXPECT_EQ(nice, (std::array<int, kChannels>{own, own, lower, lower}));
}

TEST(SenderThreads, WorkIsDoneInItsOrderAndAlsoWhenTheEndComesFirst) {
  std::vector<int> order;
  {
    const auto threads = make();
    for (int i = 0; i < 50; ++i) {
      threads->begin([&, i, self = threads.get()] {
        std::atomic<int> shares{0};
        self->spread(kChannels, [&](std::size_t) { shares.fetch_add(1); });
        if (shares.load() == kChannels) order.push_back(i);
      });
    }
  }
  ASSERT_EQ(order.size(), 50u);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(order[i], i);
}

TEST(SenderThreads, WhatWorkHoldsIsLetGoOfWhenItIsOver) {
  const auto threads = make();
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = held;
  threads->begin([held = std::move(held)] {});
  testing::wait_until([&] { return watch.expired(); });
}

TEST(SenderThreads, AreRefusedWhenTheSystemHasNoThreadLeft) {
  testing::ThreadLimit limit;
  limit.reach();
  const auto threads = SenderThreads::start(kChannels, kChannels, 0);
  ASSERT_FALSE(threads.ok());
  EXPECT_EQ(threads.status().system_error(), EAGAIN);
}

}  // namespace
}  // namespace pageferry
