#include "region/page_bitmap.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <random>
#include <set>
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

TEST(PageBitmap, CountsItsRunsUpToABound) {
  PageBitmap set(10'000);
  EXPECT_EQ(set.count_runs(9), 0u);
  for (const PageRange run : {PageRange{0, 1}, PageRange{63, 2}, PageRange{4095, 130}}) {
    set.set_range(run);
  }
  set.set(9999);
  EXPECT_EQ(set.count_runs(9), 4u);
  EXPECT_EQ(set.count_runs(4), 4u);
  EXPECT_EQ(set.count_runs(3), 3u);
  set.set_range(set.all());
  EXPECT_EQ(set.count_runs(9), 1u);
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

TEST(PageBitmap, MergeAdds) {
  PageBitmap left(100);
  PageBitmap right(100);
  left.set_range({0, 50});
  right.set_range({40, 60});
  left.merge(right);
  EXPECT_EQ(left.count(), 100u);
  EXPECT_EQ(right.count(), 60u);
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

constexpr std::uint64_t kPagesOf1TiB = std::uint64_t{1} << 28;

std::uint64_t resident_bytes() {
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// The first set page in [from, end) of a model, or `end`.
PageIndex next_in(const std::set<PageIndex>& model, PageIndex from, PageIndex end) {
  const auto found = model.lower_bound(from);
  return found == model.end() || *found >= end ? end : *found;
}

TEST(PageBitmap, AgreesWithASetOfPagesOnRandomOperationsFarApart) {
  constexpr std::uint64_t kPages = (std::uint64_t{1} << 22) + 12345;
  std::mt19937_64 random(7);
  PageBitmap bitmap(kPages);
  PageBitmap other(kPages);
  std::set<PageIndex> model;
  std::set<PageIndex> other_model;
  // Mostly near a few places, so that operations meet, and at the edges of words and blocks.
  const auto some_page = [&] {
    const PageIndex centre = (random() % 8) * (kPages / 8) / 4096 * 4096;
    return std::min<PageIndex>(kPages - 1, centre + random() % 200 + (random() % 3) * 4000);
  };
  for (int step = 0; step < 4000; ++step) {
    const PageIndex page = some_page();
    const PageRange range = {page, std::min<std::uint64_t>(random() % 300, kPages - page)};
    switch (random() % 12) {
      case 0:
        bitmap.set(page);
        model.insert(page);
        break;
      case 1:
        EXPECT_EQ(bitmap.claim(page), model.insert(page).second);
        break;
      case 2:
        EXPECT_EQ(bitmap.take(page), model.erase(page) == 1);
        break;
      case 3:
        bitmap.set_range(range);
        for (PageIndex at = range.first; at < range.end(); ++at) model.insert(at);
        break;
      case 4:
        bitmap.clear_range(range);
        model.erase(model.lower_bound(range.first), model.lower_bound(range.end()));
        break;
      case 5:
        other.set_range(range);
        for (PageIndex at = range.first; at < range.end(); ++at) other_model.insert(at);
        break;
      case 6: {
        const PageIndex end = std::min(kPages, page + random() % kPages);
        EXPECT_EQ(bitmap.next_set(page, end), next_in(model, page, end));
        break;
      }
      case 7: {
        PageIndex clear = page;
        while (clear < range.end() && model.contains(clear)) ++clear;
        EXPECT_EQ(bitmap.next_clear(page, range.end()), clear);
        break;
      }
      case 8:
        EXPECT_EQ(bitmap.count(range),
                  static_cast<std::uint64_t>(std::distance(model.lower_bound(range.first),
                                                           model.lower_bound(range.end()))));
        break;
      case 9:
        if (random() % 8 != 0) break;
        bitmap.merge(other);
        model.insert(other_model.begin(), other_model.end());
        break;
      case 10:
        if (random() % 64 != 0) break;
        bitmap.reset();
        model.clear();
        break;
      default:
        if (random() % 32 != 0) break;
        other.clear_all();
        other_model.clear();
    }
  }
  EXPECT_EQ(set_pages(bitmap), std::vector<PageIndex>(model.begin(), model.end()));
  EXPECT_EQ(bitmap.count(), model.size());
  EXPECT_GT(model.size(), 100u);
}

TEST(PageBitmap, ASetOf1TiBTakesMemoryForThePagesItHoldsOnly) {
  const std::uint64_t before = resident_bytes();
  PageBitmap bitmap(kPagesOf1TiB);
  PageBitmap empty(kPagesOf1TiB);
  for (PageIndex page = 5; page < kPagesOf1TiB; page += kPagesOf1TiB / 64) {
    bitmap.set_range({page, 256});
  }
  bitmap.merge(empty);
  EXPECT_EQ(bitmap.count(), 64u * 256);
  EXPECT_EQ(set_pages(bitmap).size(), 64u * 256);
  EXPECT_EQ(empty.next_set(0, kPagesOf1TiB), kPagesOf1TiB);
  EXPECT_EQ(empty.count(), 0u);
  bitmap.clear_all();
  EXPECT_EQ(bitmap.next_set(0, kPagesOf1TiB), kPagesOf1TiB);
  EXPECT_LT(resident_bytes() - before, 4u << 20);  // The bits of 1 TiB would be 32 MiB.
}

TEST(PageBitmap, AReaderThatSawAPageBeingSetFindsItInTheWholeSet) {
  constexpr std::uint64_t kBlocks = 4096;
  constexpr std::uint64_t kBlockPages = 4096;
  PageBitmap bitmap(kBlocks * kBlockPages);
  std::atomic<std::uint64_t> missed{0};
  // Two threads set the same page, the first of its block, at about the same time: whichever comes
  // second must find it in the set as well, although the other may not have finished.
  std::atomic<std::uint64_t> turn{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (std::uint64_t block = 0; block < kBlocks; ++block) {
        turn.fetch_add(1);
        while (turn.load() < 2 * (block + 1)) std::this_thread::yield();
        const PageIndex page = block * kBlockPages + 77;
        bitmap.claim(page);
        const PageRange around = {block * kBlockPages, kBlockPages};
        if (bitmap.next_set(around.first, around.end()) != page) missed.fetch_add(1);
        if (bitmap.count(around) != 1) missed.fetch_add(1);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(missed.load(), 0u);
}

TEST(PageBitmap, NoPageIsLostWhenThreadsSetAndTakeInTheSameBlocks) {
  constexpr std::uint64_t kPages = 64 * 4096;
  constexpr unsigned kThreads = 4;
  PageBitmap bitmap(kPages);
  std::atomic<std::int64_t> balance{0};
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < kThreads; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937_64 random(seed);
      for (int step = 0; step < 20'000; ++step) {
        const PageIndex page = random() % kPages / 61 * 61;
        if (random() % 2 == 0) {
          if (bitmap.claim(page)) balance.fetch_add(1);
        } else if (bitmap.take(page)) {
          balance.fetch_sub(1);
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(bitmap.count(), static_cast<std::uint64_t>(balance.load()));
  EXPECT_EQ(set_pages(bitmap).size(), static_cast<std::size_t>(balance.load()));
}

}  // namespace
}  // namespace pageferry
