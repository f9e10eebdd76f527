#include "codec/wkdm32_codec.h"

#include <gtest/gtest.h>

#include "codec/wkdm_test_util.h"

namespace pageferry::testing {
namespace {

using Words = std::vector<std::uint32_t>;
constexpr std::size_t kWords = 1024;
constexpr std::size_t kTagBytes = 256;

const Wkdm32Codec codec;

std::size_t encoded_bytes(const Words& words) {
  return encode(codec, {page_of(words), zero_page()}, kAmpleRoom).value().size();
}

TEST(Wkdm32Codec, BringsBackEveryPage) { expect_pages_come_back(codec); }

TEST(Wkdm32Codec, TakesTheRoomItNeedsAndWritesNothingOutside) { expect_room_is_kept(codec); }

TEST(Wkdm32Codec, SurvivesDamagedEncodings) { expect_damage_is_survived(codec); }

TEST(Wkdm32Codec, SurvivesNoise) { expect_noise_is_survived(codec); }

TEST(Wkdm32Codec, EncodesWhatTheDocumentSays) {
  for (const Sample& sample : samples(6)) {
    const Bytes encoded = encode(codec, sample, kAmpleRoom).value();
    ASSERT_EQ(decode_as_documented(encoded, 32, 10, 0x9e3779b1), sample.page);
  }
}

TEST(Wkdm32Codec, HasTheExampleOfTheDocument) {
  const Example example = example_of("wkdm32");
  EXPECT_EQ(encode(codec, {example.page, example.base}, kAmpleRoom), example.encoded);
  EXPECT_EQ(decode(codec, example.encoded, example.base), example.page);
}

TEST(Wkdm32Codec, SendsTagsAloneOfAZeroPage) { EXPECT_EQ(encoded_bytes({}), kTagBytes); }

TEST(Wkdm32Codec, SendsAWordThatCameBeforeAsFourBits) {
  EXPECT_EQ(encoded_bytes(Words(kWords, 0x12345678)), kTagBytes + 4 + kWords / 2);
}

TEST(Wkdm32Codec, SendsAWordNearOneThatCameBeforeAsFourteenBits) {
  Words words(kWords);
  for (std::size_t i = 0; i < kWords; ++i) words[i] = 0x12345400 + static_cast<std::uint32_t>(i);
  EXPECT_EQ(encoded_bytes(words), kTagBytes + 4 + ((kWords - 1) * 10 + 7) / 8 + kWords / 2);
}

TEST(Wkdm32Codec, RefusesAPageThatItWouldNotMakeSmaller) {
  std::mt19937_64 random(7);
  EXPECT_EQ(encode(codec, {random_page(random), zero_page()}, kCodecPageBytes - 1), std::nullopt);
}

TEST(Wkdm32Codec, RefusesEveryTruncationOfAnEncoding) {
  std::mt19937_64 random(8);
  const Bytes encoded = encode(codec, {pointer_page(random), zero_page()}, kAmpleRoom).value();
  for (std::size_t length = 0; length < encoded.size(); ++length) {
    const Bytes shorter(encoded.begin(), encoded.begin() + static_cast<std::ptrdiff_t>(length));
    ASSERT_EQ(decode(codec, shorter, zero_page()), std::nullopt) << length;
  }
}

TEST(Wkdm32Codec, RefusesBitsBehindTheLastNumberThatAreNotZero) {
  // A partial match and two exact ones: ten low bits in two bytes, three indices in two.
  const Bytes encoded = encode(codec, {page_of(Words{1, 1, 1}), zero_page()}, kAmpleRoom).value();
  ASSERT_EQ(encoded.size(), kTagBytes + 2 + 2);
  EXPECT_NE(decode(codec, encoded, zero_page()), std::nullopt);
  Bytes low_bits = encoded;
  low_bits[kTagBytes + 1] |= std::byte{0x04};
  EXPECT_EQ(decode(codec, low_bits, zero_page()), std::nullopt);
  Bytes index = encoded;
  index.back() |= std::byte{0x10};
  EXPECT_EQ(decode(codec, index, zero_page()), std::nullopt);
}

}  // namespace
}  // namespace pageferry::testing
