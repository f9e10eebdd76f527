#include "codec/sparse_codec.h"

#include <gtest/gtest.h>

#include "codec/page_codec_test_util.h"

namespace pageferry::testing {
namespace {

constexpr std::size_t kBitmapBytes = 64;

const SparseCodec codec;

TEST(SparseCodec, BringsBackEveryPage) { expect_pages_come_back(codec); }

TEST(SparseCodec, TakesTheRoomItNeedsAndWritesNothingOutside) { expect_room_is_kept(codec); }

TEST(SparseCodec, SurvivesDamagedEncodings) { expect_damage_is_survived(codec); }

TEST(SparseCodec, SurvivesNoise) { expect_noise_is_survived(codec); }

TEST(SparseCodec, HasTheExampleOfTheDocument) {
  const Example example = example_of("sparse");
  EXPECT_EQ(encode(codec, {example.page, example.base}, kAmpleRoom), example.encoded);
  EXPECT_EQ(decode(codec, example.encoded, example.base), example.page);
}

TEST(SparseCodec, SendsTheBitmapAloneOfAZeroPage) {
  EXPECT_EQ(encode(codec, {zero_page(), zero_page()}, kAmpleRoom), Bytes(kBitmapBytes));
}

TEST(SparseCodec, RefusesAPageThatItWouldNotMakeSmaller) {
  std::mt19937_64 random(7);
  Bytes page = random_page(random);
  // Eight words are zero: the bitmap takes what they would.
  std::fill_n(page.begin(), 64, std::byte{0});
  EXPECT_EQ(encode(codec, {page, zero_page()}, kCodecPageBytes - 1), std::nullopt);
  std::fill_n(page.begin(), 72, std::byte{0});
  EXPECT_NE(encode(codec, {page, zero_page()}, kCodecPageBytes - 1), std::nullopt);
}

TEST(SparseCodec, TakesNoEncodingButTheOneItWouldMake) {
  std::mt19937_64 random(8);
  int taken = 0;
  for (const Sample& sample : samples(9)) {
    Bytes damaged = encode(codec, sample, kAmpleRoom).value();
    for (int i = 0; i < 20; ++i) {
      damaged[random() % damaged.size()] ^= static_cast<std::byte>(1 << random() % 8);
      const auto page = decode(codec, damaged, sample.base);
      if (!page.has_value()) continue;
      ++taken;
      ASSERT_EQ(encode(codec, {*page, sample.base}, kAmpleRoom), damaged);
    }
  }
  EXPECT_GT(taken, 100);
}

TEST(SparseCodec, RefusesAWordThatIsZero) {
  Bytes encoded(kBitmapBytes + 8);
  encoded[3] = std::byte{0x10};
  EXPECT_EQ(decode(codec, encoded, zero_page()), std::nullopt);
  encoded.back() = std::byte{1};
  EXPECT_NE(decode(codec, encoded, zero_page()), std::nullopt);
}

}  // namespace
}  // namespace pageferry::testing
