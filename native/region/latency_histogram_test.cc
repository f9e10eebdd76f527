#include "region/latency_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

namespace pageferry {
namespace {

TEST(LatencyHistogram, SaysZeroBeforeAnythingWasRecorded) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.max(), 0u);
  EXPECT_EQ(histogram.percentile(0.5), 0u);
}

TEST(LatencyHistogram, OneValueIsEveryPercentile) {
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{31},
                                    std::uint64_t{57'123}, ~std::uint64_t{0}}) {
    LatencyHistogram histogram;
    histogram.record(value);
    for (const double share : {0.0, 0.5, 0.999, 1.0}) {
      EXPECT_EQ(histogram.percentile(share), value);
    }
  }
}

TEST(LatencyHistogram, SmallValuesAreExact) {
  LatencyHistogram histogram;
  for (std::uint64_t value = 1; value <= 30; ++value) histogram.record(value);
  EXPECT_EQ(histogram.percentile(0.5), 15u);
  EXPECT_EQ(histogram.percentile(0.1), 3u);
  EXPECT_EQ(histogram.percentile(1), 30u);
}

TEST(LatencyHistogram, ABucketIsAtMostASixteenthAboveAnyOfItsValues) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t value = random() >> (random() % 64);
    LatencyHistogram histogram;
    histogram.record(value);
    histogram.record(~std::uint64_t{0});  // so that max() does not hide the bucket's bound
    const std::uint64_t bound = histogram.percentile(0.5);
    ASSERT_GE(bound, value);
    ASSERT_LE(bound - value, value / 16);
  }
}

TEST(LatencyHistogram, PercentilesAreThoseOfTheSortedValues) {
  std::mt19937_64 random(4);
  std::lognormal_distribution<double> latency(11, 1.5);
  std::vector<std::uint64_t> values(100'000);
  auto histogram = std::make_unique<LatencyHistogram>();
  for (std::uint64_t& value : values) {
    value = static_cast<std::uint64_t>(latency(random));
    histogram->record(value);
  }
  std::ranges::sort(values);
  for (const double share : {0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * 100'000)) - 1;
    EXPECT_GE(histogram->percentile(share), values[rank]);
    EXPECT_LE(histogram->percentile(share), values[rank] + values[rank] / 16);
  }
  EXPECT_EQ(histogram->max(), values.back());
  EXPECT_EQ(histogram->count(), values.size());
}

}  // namespace
}  // namespace pageferry
