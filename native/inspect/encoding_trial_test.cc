#include "inspect/encoding_trial.h"

#include "image/image_test_util.h"
#include "inspect/page_contents.h"

namespace pageferry {
namespace {

class EncodingTrialTest : public ::testing::Test {
 protected:
  std::shared_ptr<const ImageFile> image_of(std::uint32_t pages,
                                            const std::vector<TestSnapshot>& snapshots) {
    const std::string path = folder_.file("image");
    write_image(path, pages, snapshots);
    auto image = ImageFile::open(path);
    EXPECT_TRUE(image.ok()) << image.status().message();
    return image.value();
  }

 private:
  TemporaryFolder folder_;
};

TestSnapshot numbered(std::uint32_t pages) {
  TestSnapshot snapshot;
  for (std::uint32_t page = 0; page < pages; ++page) snapshot[page] = page + 1;
  return snapshot;
}

TrialResult result_of(const ImageFile& image, const Trial& trial) {
  const auto result = try_encoding(image, trial);
  EXPECT_TRUE(result.ok()) << result.status().message();
  return result.ok() ? result.value() : TrialResult{};
}

TEST_F(EncodingTrialTest, TriesEveryPageThatHoldsSomethingOnce) {
  // Page 2 is zero by an entry, and page 4 has none.
  const auto image = image_of(5, {{{0, 1}, {1, 2}, {2, 0}, {3, 3}}});
  for (const std::size_t block_pages : {1, 2, 64}) {
    const TrialResult result = result_of(*image, {.block_pages = block_pages});
    EXPECT_EQ(result.pages, 3u);
    EXPECT_GT(result.bytes_out, 0u);
    EXPECT_LT(result.bytes_out, 3 * kPageBytes);
    EXPECT_EQ(result.pages_raw, 0u);
  }
}

TEST_F(EncodingTrialTest, TriesThePagesOfLaterSnapshotsBesideWhatTheyHeldBefore) {
  // Page 0 changes twice. Page 1 becomes zero, and page 2 was zero: neither has both contents.
  const auto image = image_of(3, {{{0, 1}, {1, 2}}, {{0, 3}, {1, 0}, {2, 4}}, {{0, 1}}});
  const Trial plain = {.encoding = Encoding::kZstd, .block_pages = 16, .changes = true};
  EXPECT_EQ(result_of(*image, plain).pages, 2u);
  Trial delta = plain;
  delta.encoding = Encoding::kZstdDelta;
  EXPECT_EQ(result_of(*image, delta).pages, 2u);
}

TEST_F(EncodingTrialTest, FindsNoBaseBeforeTheFirstSnapshot) {
  const auto image = image_of(1, {{{0, 1}}});
  const auto result = try_encoding(*image, {.encoding = Encoding::kXbzrle});
  EXPECT_EQ(result.status().code(), StatusCode::kInvalidArgument);
}

TEST_F(EncodingTrialTest, TakesASampleInRunsThatAreSpreadOverTheImage) {
  const auto image = image_of(5000, {numbered(5000)});
  EXPECT_EQ(result_of(*image, {}).pages, 5000u);
  // Every third run of 1024: the first and the fourth.
  EXPECT_EQ(result_of(*image, {.most_pages = 2000}).pages, 2048u);
}

// The length of these contents as one block of zstd 1.
std::optional<std::size_t> encoded_length(const std::vector<std::uint32_t>& contents) {
  std::vector<std::byte> pages;
  for (const std::uint32_t content : contents) {
    const TestPage page = page_of(content);
    pages.insert(pages.end(), page.begin(), page.end());
  }
  std::vector<std::byte> out(pages.size());
  return make_block_encoder(Encoding::kZstd)->encode(pages, {}, 1, out);
}

TEST_F(EncodingTrialTest, FindsTheBlockThatASenderPutsAPageInto) {
  // Page 2 is zero, and 1023 and 1024 are of two stripes.
  const auto image =
      image_of(1030, {{{0, 1}, {1, 2}, {2, 0}, {3, 3}, {4, 4}, {5, 5}, {1023, 6}, {1024, 7}}});
  const auto block_of = [&](std::uint32_t page) {
    const auto block = try_block_of(*image, page, Encoding::kZstd, 1, 4);
    EXPECT_TRUE(block.ok()) << block.status().message();
    return block.value();
  };
  EXPECT_EQ(block_of(0).pages, 4u);
  EXPECT_EQ(block_of(4).bytes, encoded_length({1, 2, 3, 4}));
  EXPECT_EQ(block_of(5).pages, 2u);
  EXPECT_EQ(block_of(1023).bytes, encoded_length({5, 6}));
  EXPECT_EQ(block_of(1024).bytes, encoded_length({7}));
  for (const std::uint32_t page : {2, 1029}) {
    EXPECT_EQ(block_of(page).pages, 0u);
    EXPECT_EQ(block_of(page).bytes, std::nullopt);
  }
}

TEST_F(EncodingTrialTest, EncodesOnePageByItself) {
  const auto image = image_of(2, {{{1, 7}}});
  const auto zero = try_page(*image, 0, Encoding::kZstd, 1);
  const auto page = try_page(*image, 1, Encoding::kZstd, 1);
  ASSERT_TRUE(zero.ok() && page.ok());
  ASSERT_TRUE(zero.value().has_value() && page.value().has_value());
  EXPECT_LT(*zero.value(), *page.value());
  EXPECT_LT(*page.value(), kPageBytes);
}

TEST_F(EncodingTrialTest, CountsPagesWithoutAContentAsZero) {
  const auto image = image_of(6, {{{0, 1}, {2, 0}, {5, 2}}, {{1, 9}}});
  const auto counts = count_contents(*image);
  ASSERT_TRUE(counts.ok());
  EXPECT_EQ(counts.value()[static_cast<std::size_t>(PageContent::kZero)], 4u);
  std::uint64_t sum = 0;
  for (const std::uint64_t count : counts.value()) sum += count;
  EXPECT_EQ(sum, 6u);
}

}  // namespace
}  // namespace pageferry
