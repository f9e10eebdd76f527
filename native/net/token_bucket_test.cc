#include "net/token_bucket.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "os/thread_test_util.h"

namespace pageferry {
namespace {

using Clock = std::chrono::steady_clock;
using testing::WatchedThread;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// A machine may always be slower than it should: only what must not be faster is tested.

TEST(TokenBucket, WithoutARateNothingWaits) {
  TokenBucket bucket;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(bucket.acquire(std::uint64_t{1} << 40));
}

TEST(TokenBucket, SendsTogetherTakeAsLongAsTheRateSays) {
  constexpr std::uint64_t kRate = 20'000'000;
  TokenBucket bucket(kRate);
  const auto start = Clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 10; ++j) EXPECT_TRUE(bucket.acquire(100'000));
    });
  }
  for (std::thread& thread : threads) thread.join();
  // The last send of 5 ms goes out on credit, and 2 ms of unused rate may have been kept.
  EXPECT_GE(seconds_since(start), 40 * 100'000.0 / kRate - 0.005 - 0.002);
}

TEST(TokenBucket, UnusedRateIsNotSavedForABurst) {
  constexpr std::uint64_t kRate = 1'000'000;
  TokenBucket bucket(kRate);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const auto start = Clock::now();
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(bucket.acquire(10'000));
  EXPECT_GE(seconds_since(start), 0.05 - 0.002);
}

TEST(TokenBucket, ChargedBytesArePaidForByTheNextSend) {
  TokenBucket bucket(1'000'000);
  const auto start = Clock::now();
  bucket.charge(50'000);
  EXPECT_TRUE(bucket.acquire(1));
  EXPECT_GE(seconds_since(start), 0.05 - 0.002);
}

TEST(TokenBucket, ChargingNeverWaitsAndCostsNothingWithoutARate) {
  TokenBucket bucket;
  bucket.charge(std::uint64_t{1} << 50);
  bucket.set_rate(1'000'000'000);
  EXPECT_TRUE(bucket.acquire(1));
}

TEST(TokenBucket, CancelEndsThoseWhoWaitAndAllWhoComeLater) {
  TokenBucket bucket(1);
  ASSERT_TRUE(bucket.acquire(1'000'000));
  bool acquired = true;
  WatchedThread waiting([&] { acquired = bucket.acquire(1); });
  waiting.wait_until_asleep();
  EXPECT_FALSE(waiting.done());
  bucket.cancel();
  waiting.join();
  EXPECT_FALSE(acquired);
  EXPECT_FALSE(bucket.acquire(1));
  bucket.set_rate(0);
  EXPECT_FALSE(bucket.acquire(1));
}

TEST(TokenBucket, ANewRateTakesEffectForThoseWhoWait) {
  for (const std::uint64_t rate : {std::uint64_t{0}, std::uint64_t{1} << 40}) {
    TokenBucket bucket(1);
    ASSERT_TRUE(bucket.acquire(1'000'000));
    bool acquired = false;
    WatchedThread waiting([&] { acquired = bucket.acquire(1); });
    waiting.wait_until_asleep();
    bucket.set_rate(rate);
    waiting.join();
    EXPECT_TRUE(acquired);
  }
}

TEST(TokenBucket, WhatIsRefundedCanBeSpentByWhoeverWaits) {
  TokenBucket bucket(1);
  ASSERT_TRUE(bucket.acquire(1'000'000));
  bool acquired = false;
  WatchedThread waiting([&] { acquired = bucket.acquire(1); });
  waiting.wait_until_asleep();
  EXPECT_FALSE(waiting.done());
  bucket.refund(1'000'000);
  waiting.join();
  EXPECT_TRUE(acquired);
}

TEST(TokenBucket, ABatchIsAMillisecondOfTheRateWithinItsBounds) {
  constexpr std::uint64_t kMost = 1 << 20;
  TokenBucket bucket;
  EXPECT_EQ(bucket.batch_bytes(kMost), kMost);
  bucket.set_rate(125'000'000);
  EXPECT_EQ(bucket.batch_bytes(kMost), 125'000u);
  bucket.set_rate(std::uint64_t{1} << 50);
  EXPECT_EQ(bucket.batch_bytes(kMost), kMost);
  bucket.set_rate(1);
  EXPECT_EQ(bucket.batch_bytes(kMost), 16u << 10);
}

}  // namespace
}  // namespace pageferry
