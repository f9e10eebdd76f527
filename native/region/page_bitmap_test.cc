#include "region/page_bitmap.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

namespace pageferry {
namespace {

std::vector<PageIndex> set_pages(const PageBitmap& bitmap) {
  std::vector<PageIndex> pages;
  bitmap.for_each_run(bitmap.all(), [&](PageRange run) {
    for (PageIndex page = run.first; page < run.end(); ++page) pages.push_back(page);
  });
  return pages;
}

TEST(PageBitmap, StartsEmpty) {
  PageBitmap bitmap(130);
  EXPECT_EQ(bitmap.count(), 0u);
  EXPECT_EQ(bitmap.next_set(0, 130), 130u);
  EXPECT_EQ(bitmap.next_clear(0, 130), 0u);
}

TEST(PageBitmap, SetRangeTouchesNothingOutsideTheRange) {
  for (const PageRange range : {PageRange{0, 1}, PageRange{63, 2}, PageRange{5, 59},
                                PageRange{64, 64}, PageRange{1, 198}, PageRange{70, 0}}) {
    PageBitmap bitmap(200);
    bitmap.set_range(range);
    EXPECT_EQ(bitmap.count(), range.count);
    EXPECT_EQ(bitmap.count(range), range.count);
    if (range.first > 0) {
      EXPECT_FALSE(bitmap.test(range.first - 1));
    }
    EXPECT_FALSE(bitmap.test(range.end()));
  }
}

TEST(PageBitmap, ClearRangeLeavesTheNeighboursSet) {
  PageBitmap bitmap(200);
  bitmap.set_range(bitmap.all());
  bitmap.clear_range({60, 70});
  EXPECT_EQ(bitmap.count(), 130u);
  EXPECT_TRUE(bitmap.test(59));
  EXPECT_FALSE(bitmap.test(60));
  EXPECT_FALSE(bitmap.test(129));
  EXPECT_TRUE(bitmap.test(130));
}

TEST(PageBitmap, ClaimAndTakeReportTheChangeTheyMade) {
  PageBitmap bitmap(1);
  EXPECT_FALSE(bitmap.take(0));
  EXPECT_TRUE(bitmap.claim(0));
  EXPECT_FALSE(bitmap.claim(0));
  EXPECT_TRUE(bitmap.take(0));
  EXPECT_FALSE(bitmap.test(0));
}

TEST(PageBitmap, ClaimSucceedsForExactlyOneThread) {
  constexpr std::uint64_t kPages = 4096;
  PageBitmap bitmap(kPages);
  std::atomic<std::uint64_t> claimed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (PageIndex page = 0; page < kPages; ++page) {
        if (bitmap.claim(page)) claimed.fetch_add(1);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(claimed.load(), kPages);
}

TEST(PageBitmap, MergeAddsAndSubtractRemoves) {
  PageBitmap left(100);
  PageBitmap right(100);
  left.set_range({0, 50});
  right.set_range({40, 60});
  left.merge(right);
  EXPECT_EQ(left.count(), 100u);
  left.subtract(right);
  EXPECT_EQ(left.count(), 40u);
  EXPECT_FALSE(left.test(40));
}

TEST(PageBitmap, NextSetAndNextClearStopAtTheEnd) {
  PageBitmap bitmap(256);
  bitmap.set_range({100, 30});
  EXPECT_EQ(bitmap.next_set(0, 256), 100u);
  EXPECT_EQ(bitmap.next_set(0, 100), 100u);
  EXPECT_EQ(bitmap.next_set(0, 50), 50u);
  EXPECT_EQ(bitmap.next_clear(100, 256), 130u);
  EXPECT_EQ(bitmap.next_clear(100, 120), 120u);
  EXPECT_EQ(bitmap.next_set(256, 256), 256u);
}

TEST(PageBitmap, RunsAreMaximalAscendingAndCutToTheRange) {
  PageBitmap bitmap(200);
  bitmap.set_range({0, 65});
  bitmap.set(70);
  bitmap.set_range({128, 72});
  std::vector<std::pair<PageIndex, std::uint64_t>> runs;
  bitmap.for_each_run({10, 180}, [&](PageRange run) { runs.emplace_back(run.first, run.count); });
  const std::vector<std::pair<PageIndex, std::uint64_t>> expected = {{10, 55}, {70, 1}, {128, 62}};
  EXPECT_EQ(runs, expected);
}

TEST(PageBitmap, AgreesWithAPlainArrayOnRandomOperations) {
  constexpr std::uint64_t kPages = 777;
  std::mt19937_64 random(42);
  PageBitmap bitmap(kPages);
  std::vector<bool> model(kPages);
  for (int step = 0; step < 2000; ++step) {
    const PageIndex first = random() % kPages;
    const std::uint64_t count = random() % (kPages - first + 1);
    const bool value = random() & 1;
    value ? bitmap.set_range({first, count}) : bitmap.clear_range({first, count});
    std::fill_n(model.begin() + static_cast<std::ptrdiff_t>(first), count, value);
  }
  std::vector<PageIndex> expected;
  for (PageIndex page = 0; page < kPages; ++page) {
    if (model[page]) expected.push_back(page);
  }
  EXPECT_EQ(set_pages(bitmap), expected);
  EXPECT_EQ(bitmap.count(), expected.size());
}

}  // namespace
}  // namespace pageferry
