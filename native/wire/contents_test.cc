#include "wire/contents.h"

#include <gtest/gtest.h>

#include <set>
#include <string_view>

namespace pageferry::wire {
namespace {

TEST(Contents, EachHasANumberAndANameOfItsOwnAndIsFoundByBoth) {
  std::set<std::string_view> names;
  int before = -1;
  for (const ContentTraits& content : kContents) {
    EXPECT_GT(content.id, before) << "the table ascends";
    before = content.id;
    EXPECT_TRUE(names.insert(content.name).second) << content.name;
    EXPECT_EQ(find_content(content.id), &content);
    EXPECT_EQ(find_content(content.name), &content);
  }
  EXPECT_EQ(find_content(77), nullptr);
  EXPECT_EQ(find_content("deflate"), nullptr);
}

TEST(Contents, ASetHoldsWhatWasAddedAndNothingElse) {
  const ContentSet two = {kContentRaw, kContentMissing};
  EXPECT_TRUE(two.contains(kContentRaw));
  EXPECT_TRUE(two.contains(kContentMissing));
  EXPECT_FALSE(two.contains(kContentZero));
  EXPECT_FALSE(ContentSet().contains(kContentRaw));
  for (unsigned id = 0; id < 256; ++id) {
    const auto content = static_cast<std::uint8_t>(id);
    EXPECT_EQ(ContentSet::all().contains(content), find_content(content) != nullptr) << id;
  }
}

TEST(Contents, PagesAreCountedForEachAndTogether) {
  PagesByContent pages;
  pages[kContentRaw] += 3;
  pages[kContentZero] += 5;
  pages[kContentLz4] += 7;
  PagesByContent more;
  more[kContentLz4] = 10;
  pages.add(more);
  EXPECT_EQ(pages[kContentRaw], 3u);
  EXPECT_EQ(pages[kContentLz4], 17u);
  EXPECT_EQ(pages[kContentMissing], 0u);
  EXPECT_EQ(pages.sum(), 25u);
}

}  // namespace
}  // namespace pageferry::wire
