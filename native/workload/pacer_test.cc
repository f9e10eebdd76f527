#include "workload/pacer.h"

#include <gtest/gtest.h>

#include <limits>

namespace pageferry {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// Writes granted to a thread that always asks when it is told to, in `seconds`.
std::uint64_t granted_in(Pacer& pacer, std::int64_t start, std::int64_t seconds) {
  std::uint64_t writes = 0;
  for (std::int64_t now = start; now < start + seconds * kSecond;) {
    const std::uint64_t grant = pacer.grant(now);
    writes += grant;
    now = grant > 0 ? now + 1000 : pacer.next_grant_ns(now);
  }
  return writes;
}

TEST(Pacer, AThreadWaitsForItsNextWriteNoLongerThanItSays) {
  EXPECT_EQ(Pacer::longest_wait_ns(0, 3), 0u);
  for (const std::uint64_t rate : {1u, 30u, 1000u, 123'457u, 50'000'000u}) {
    for (const std::uint32_t threads : {1u, 3u}) {
      Pacer pacer(rate, threads);
      const auto most = static_cast<std::int64_t>(Pacer::longest_wait_ns(rate, threads));
      std::int64_t now = 5 * kSecond;
      for (int i = 0; i < 100; ++i) {
        std::int64_t waited = 0;
        while (pacer.grant(now) == 0) {
          const std::int64_t next = pacer.next_grant_ns(now);
          waited += next - now;
          now = next;
        }
        EXPECT_LE(waited, most) << rate << " by " << threads;
      }
    }
  }
}

TEST(Pacer, GrantsEachThreadItsPartOfTheRate) {
  for (const std::uint64_t rate : {3u, 1000u, 123'457u, 50'000'000u}) {
    for (const std::uint32_t threads : {1u, 3u}) {
      Pacer pacer(rate, threads);
      const double expected = 10.0 * rate / threads;
      EXPECT_NEAR(static_cast<double>(granted_in(pacer, 5 * kSecond, 10)), expected,
                  1 + expected / 1000);
    }
  }
}

TEST(Pacer, GrantsAtMostTenMillisecondsWorthAfterAStall) {
  Pacer pacer(1'000'000, 1);
  pacer.grant(0);
  EXPECT_EQ(pacer.grant(60 * kSecond), 10'000u);
  EXPECT_EQ(pacer.grant(60 * kSecond), 0u);
  EXPECT_EQ(pacer.grant(60 * kSecond + 1'000'000), 1000u);
}

TEST(Pacer, WaitsUntilTheNextWriteIsDue) {
  Pacer pacer(2, 1);
  EXPECT_EQ(pacer.grant(7), 0u);
  const std::int64_t due = pacer.next_grant_ns(7);
  EXPECT_NEAR(static_cast<double>(due), 7 + 0.5e9, 10);
  EXPECT_EQ(pacer.grant(due), 1u);
}

TEST(Pacer, WithoutALimitGrantsOnceForAll) {
  Pacer pacer(0, 4);
  EXPECT_EQ(pacer.grant(1), std::numeric_limits<std::uint64_t>::max());
}

TEST(Pacer, SurvivesAnAbsurdRate) {
  Pacer pacer(std::numeric_limits<std::uint64_t>::max(), 1024);
  pacer.grant(0);
  EXPECT_GT(pacer.grant(kSecond), 0u);
  Pacer slow(1, 1024);
  slow.grant(0);
  EXPECT_GT(slow.next_grant_ns(kSecond), kSecond);
}

}  // namespace
}  // namespace pageferry
