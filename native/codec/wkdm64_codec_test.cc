#include "codec/wkdm64_codec.h"

#include <gtest/gtest.h>

#include "codec/wkdm_test_util.h"

namespace pageferry::testing {
namespace {

using Words = std::vector<std::uint64_t>;
constexpr std::size_t kWords = 512;
constexpr std::size_t kTagBytes = 128;

const Wkdm64Codec codec;

std::size_t encoded_bytes(const Words& words) {
  return encode(codec, {page_of(words), zero_page()}, kAmpleRoom).value().size();
}

TEST(Wkdm64Codec, BringsBackEveryPage) { expect_pages_come_back(codec); }

TEST(Wkdm64Codec, TakesTheRoomItNeedsAndWritesNothingOutside) { expect_room_is_kept(codec); }

TEST(Wkdm64Codec, SurvivesDamagedEncodings) { expect_damage_is_survived(codec); }

TEST(Wkdm64Codec, SurvivesNoise) { expect_noise_is_survived(codec); }

TEST(Wkdm64Codec, EncodesWhatTheDocumentSays) {
  for (const Sample& sample : samples(6)) {
    const Bytes encoded = encode(codec, sample, kAmpleRoom).value();
    ASSERT_EQ(decode_as_documented(encoded, 64, 16, 0x9e3779b97f4a7c15), sample.page);
  }
}

TEST(Wkdm64Codec, HasTheExampleOfTheDocument) {
  const Example example = example_of("wkdm64");
  EXPECT_EQ(encode(codec, {example.page, example.base}, kAmpleRoom), example.encoded);
  EXPECT_EQ(decode(codec, example.encoded, example.base), example.page);
}

TEST(Wkdm64Codec, SendsTagsAloneOfAZeroPage) { EXPECT_EQ(encoded_bytes({}), kTagBytes); }

TEST(Wkdm64Codec, SendsAWordThatCameBeforeAsFourBits) {
  EXPECT_EQ(encoded_bytes(Words(kWords, 0x00007f1234567890)), kTagBytes + 8 + kWords / 2);
}

TEST(Wkdm64Codec, SendsAWordNearOneThatCameBeforeAsTwentyBits) {
  Words words(kWords);
  for (std::size_t i = 0; i < kWords; ++i) words[i] = 0x00007f1234560000 + i % 2 * 0xffff;
  EXPECT_EQ(encoded_bytes(words), kTagBytes + 8 + (kWords - 1) * 2 + kWords / 2);
}

TEST(Wkdm64Codec, RefusesAPageThatItWouldNotMakeSmaller) {
  std::mt19937_64 random(7);
  EXPECT_EQ(encode(codec, {random_page(random), zero_page()}, kCodecPageBytes - 1), std::nullopt);
}

TEST(Wkdm64Codec, RefusesEveryTruncationOfAnEncoding) {
  std::mt19937_64 random(8);
  const Bytes encoded = encode(codec, {pointer_page(random), zero_page()}, kAmpleRoom).value();
  for (std::size_t length = 0; length < encoded.size(); ++length) {
    const Bytes shorter(encoded.begin(), encoded.begin() + static_cast<std::ptrdiff_t>(length));
    ASSERT_EQ(decode(codec, shorter, zero_page()), std::nullopt) << length;
  }
}

TEST(Wkdm64Codec, RefusesBitsBehindTheLastIndexThatAreNotZero) {
  // Two words of the dictionary, and a third: the last byte holds one index.
  Bytes encoded = encode(codec, {page_of(Words{1, 1, 1}), zero_page()}, kAmpleRoom).value();
  ASSERT_EQ(encoded.size(), kTagBytes + 2 + 2);
  EXPECT_NE(decode(codec, encoded, zero_page()), std::nullopt);
  encoded.back() |= std::byte{0x10};
  EXPECT_EQ(decode(codec, encoded, zero_page()), std::nullopt);
}

}  // namespace
}  // namespace pageferry::testing
