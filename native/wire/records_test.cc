#include "wire/records.h"

#include <gtest/gtest.h>

#include <vector>

namespace pageferry::wire {
namespace {

TEST(Records, StripesOfAnyDistanceAreSpreadOverTheChannels) {
  constexpr std::uint64_t kStripes = 1024;
  for (std::uint64_t channels = 1; channels <= 64; channels *= 2) {
    for (std::uint64_t distance = 1; distance <= 1u << 20; distance *= 2) {
      std::vector<std::uint64_t> stripes(channels);
      for (std::uint64_t i = 0; i < kStripes; ++i) {
        const std::uint64_t channel = channel_of_stripe(i * distance, channels);
        ASSERT_LT(channel, channels);
        ++stripes[channel];
      }
      for (const std::uint64_t count : stripes) {
        EXPECT_GE(count, kStripes / channels / 2) << channels << " channels, every " << distance;
        EXPECT_LE(count, kStripes / channels * 2) << channels << " channels, every " << distance;
      }
    }
  }
}

}  // namespace
}  // namespace pageferry::wire
