#include "send/stripe_order.h"

#include <gtest/gtest.h>

#include <mutex>
#include <thread>
#include <vector>

#include "region/guest_test_util.h"

namespace pageferry {
namespace {

using namespace testing;

constexpr std::uint64_t kStripes = 50;
// The last stripe is not a whole one.
constexpr std::uint64_t kPages = kStripes * wire::kStripePages - 100;

struct Taken {
  std::size_t channel;
  PageRange stripe;
};

// Everything that the order hands out, to so many threads for each channel.
std::vector<Taken> take_all(const PageBitmap& pages, std::size_t channels, int threads_each) {
  StripeOrder order(pages, channels);
  std::mutex mutex;
  std::vector<Taken> taken;
  std::vector<std::thread> threads;
  for (std::size_t channel = 0; channel < channels; ++channel) {
    for (int i = 0; i < threads_each; ++i) {
      threads.emplace_back([&, channel] {
        while (const auto stripe = order.take(channel)) {
          const std::lock_guard lock(mutex);
          taken.push_back({channel, *stripe});
        }
      });
    }
  }
  for (std::thread& thread : threads) thread.join();
  return taken;
}

void expect_every_stripe_once(const PageBitmap& pages, const std::vector<Taken>& taken,
                              std::size_t channels) {
  std::vector<int> times(kStripes, 0);
  for (const auto& [channel, range] : taken) {
    const std::uint64_t stripe = range.first / wire::kStripePages;
    EXPECT_EQ(channel, wire::channel_of_stripe(stripe, channels)) << stripe;
    EXPECT_TRUE(pages.test(range.first)) << stripe;
    EXPECT_EQ(range.end(), std::min((stripe + 1) * wire::kStripePages, kPages)) << stripe;
    ++times[stripe];
  }
  std::uint64_t covered = 0;
  for (const auto& each : taken) covered += pages.count(each.stripe);
  EXPECT_EQ(covered, pages.count());
  for (std::uint64_t stripe = 0; stripe < kStripes; ++stripe) EXPECT_LE(times[stripe], 1) << stripe;
}

TEST(StripeOrder, EveryStripeWithAPageComesOnceToItsChannelWhoeverAsks) {
  for (const std::size_t channels : {1, 2, 5, 64}) {
    for (const unsigned sparseness : {1, 3, 4000}) {
      const PageBitmap pages = random_pages(kPages, sparseness, 7);
      ASSERT_GT(pages.count(), 0u);
      expect_every_stripe_once(pages, take_all(pages, channels, 3), channels);
    }
  }
}

TEST(StripeOrder, TheStripesOfAChannelAscend) {
  const PageBitmap pages = random_pages(kPages, 1, 0);
  StripeOrder order(pages, 3);
  for (std::size_t channel = 0; channel < 3; ++channel) {
    PageIndex end = 0;
    while (const auto stripe = order.take(channel)) {
      EXPECT_GE(stripe->first, end);
      end = stripe->end();
    }
    EXPECT_GT(end, 0u);
    EXPECT_FALSE(order.take(channel).has_value()) << "something came after the end";
  }
}

TEST(StripeOrder, OfASetWithoutPagesNothingIsHandedOut) {
  EXPECT_TRUE(take_all(PageBitmap(kPages), 4, 1).empty());
}

}  // namespace
}  // namespace pageferry
