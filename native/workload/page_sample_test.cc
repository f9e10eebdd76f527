#include "workload/page_sample.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace pageferry {
namespace {

std::vector<PageIndex> pages_of(const PageSample& sample, std::uint64_t page_count) {
  std::vector<PageIndex> pages;
  for (std::uint64_t i = 0; i < sample.count_of(page_count); ++i) {
    pages.push_back(sample.page(i, page_count));
  }
  return pages;
}

TEST(PageSample, OfAllPagesOrMoreIsEveryPageOnce) {
  for (const std::uint64_t wanted : {std::uint64_t{1000}, std::uint64_t{1001}, ~std::uint64_t{0}}) {
    const auto pages = pages_of({wanted, 7}, 1000);
    ASSERT_EQ(pages.size(), 1000u);
    for (PageIndex page = 0; page < pages.size(); ++page) EXPECT_EQ(pages[page], page);
  }
}

TEST(PageSample, HasOnePageOfEachPartAlsoWherePartsDifferByAPage) {
  const auto pages = pages_of({7, 3}, 1000);
  ASSERT_EQ(pages.size(), 7u);
  for (std::uint64_t i = 0; i < 7; ++i) {
    EXPECT_GE(pages[i], i * 1000 / 7);
    EXPECT_LT(pages[i], (i + 1) * 1000 / 7);
  }
}

TEST(PageSample, OfAGuestLargerThanMemoryDoesNotOverflow) {
  const std::uint64_t page_count = std::uint64_t{1} << 45;
  const PageSample sample{page_count - 1, 1};
  EXPECT_LT(sample.page(page_count - 2, page_count), page_count);
  EXPECT_GE(sample.page(page_count - 2, page_count), page_count - 2);
}

TEST(PageSample, ComesToEveryPageAsSeedsChange) {
  std::set<PageIndex> seen;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    for (const PageIndex page : pages_of({4, seed}, 64)) seen.insert(page);
  }
  EXPECT_EQ(seen.size(), 64u);
}

}  // namespace
}  // namespace pageferry
