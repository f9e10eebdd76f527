#include "codec/xbzrle_codec.h"

#include <gtest/gtest.h>

#include <initializer_list>

#include "codec/block_codec.h"
#include "codec/page_codec_test_util.h"

namespace pageferry::testing {
namespace {

const XbzrleCodec codec;

Bytes bytes(std::initializer_list<int> values) {
  Bytes all;
  for (const int value : values) all.push_back(static_cast<std::byte>(value));
  return all;
}

// What is sent when the bytes at these offsets change in a page of zeros.
Bytes encoded_changes(std::initializer_list<std::size_t> offsets) {
  Bytes page = zero_page();
  for (const std::size_t offset : offsets) page[offset] = std::byte{0x77};
  return encode(codec, {page, zero_page()}, kAmpleRoom).value();
}

TEST(XbzrleCodec, BringsBackEveryPage) { expect_pages_come_back(codec); }

TEST(XbzrleCodec, TakesTheRoomItNeedsAndWritesNothingOutside) { expect_room_is_kept(codec); }

TEST(XbzrleCodec, SurvivesDamagedEncodings) { expect_damage_is_survived(codec); }

TEST(XbzrleCodec, SurvivesNoise) { expect_noise_is_survived(codec); }

TEST(XbzrleCodec, ChangesAPageWhereItsBaseLies) {
  ASSERT_TRUE(decodes_in_place(Encoding::kXbzrle));
  for (const Sample& sample : samples(9)) {
    const Bytes encoded = encode(codec, sample, kAmpleRoom).value();
    Bytes page = sample.base;
    ASSERT_TRUE(codec.decode(encoded, page_bytes(page), MutablePageBytes(page)).ok());
    ASSERT_EQ(page, sample.page);
  }
}

TEST(XbzrleCodec, BringsBackEveryPlaceAndLengthOfAChange) {
  std::mt19937_64 random(6);
  const Bytes base = random_page(random);
  for (std::size_t at = 0; at < kCodecPageBytes; at += at < 80 || at > 4000 ? 1 : 61) {
    for (std::size_t run = 1; run <= 40 && at + run <= kCodecPageBytes; ++run) {
      Bytes page = base;
      for (std::size_t i = 0; i < run; ++i) page[at + i] ^= std::byte{0x80};
      const Bytes encoded = encode(codec, {page, base}, kAmpleRoom).value();
      ASSERT_EQ(encoded.size(), (at < 128 ? 1 : 2) + 1 + run) << at << " " << run;
      ASSERT_EQ(decode(codec, encoded, base), page) << at << " " << run;
    }
  }
}

TEST(XbzrleCodec, NeedsABaseAndSendsALengthAloneOfAPageThatEqualsIt) {
  std::mt19937_64 random(7);
  const Bytes page = random_page(random);
  EXPECT_TRUE(codec.needs_base());
  EXPECT_EQ(encode(codec, {page, page}, kAmpleRoom), bytes({0x80, 0x20}));
}

TEST(XbzrleCodec, TakesTheExampleOfTheDocumentAndMakesOneThatIsNoLonger) {
  const Example example = example_of("xbzrle");
  ASSERT_EQ(example.encoded.size(), 24U);
  EXPECT_EQ(decode(codec, example.encoded, example.base), example.page);
  EXPECT_EQ(encode(codec, {example.page, example.base}, kAmpleRoom).value().size(), 23U);
}

TEST(XbzrleCodec, LeavesUpToTwoEqualBytesInARun) {
  EXPECT_EQ(encoded_changes({0, 3}), bytes({0, 4, 0x77, 0, 0, 0x77}));
  EXPECT_EQ(encoded_changes({0, 4}), bytes({0, 1, 0x77, 3, 1, 0x77}));
  EXPECT_EQ(encoded_changes({0, 7, 15}), bytes({0, 1, 0x77, 6, 1, 0x77, 7, 1, 0x77}));
}

TEST(XbzrleCodec, LeavesTheLastEqualRunOut) {
  EXPECT_EQ(encoded_changes({4095}), bytes({0xff, 0x1f, 1, 0x77}));
  EXPECT_EQ(encoded_changes({4093}), bytes({0xfd, 0x1f, 1, 0x77}));
}

TEST(XbzrleCodec, RefusesAPageWithNothingInCommonWithItsBase) {
  std::mt19937_64 random(8);
  const Sample sample = {random_page(random), random_page(random)};
  EXPECT_EQ(encode(codec, sample, kCodecPageBytes - 1), std::nullopt);
}

TEST(XbzrleCodec, RefusesWhatTheDocumentForbids) {
  const auto is_refused = [](std::initializer_list<int> encoded) {
    return decode(codec, bytes(encoded), zero_page()) == std::nullopt;
  };
  EXPECT_FALSE(is_refused({0, 1, 9, 1, 1, 9}));
  EXPECT_TRUE(is_refused({0, 1, 9, 0, 1, 9})) << "two runs that touch";
  EXPECT_TRUE(is_refused({0, 1, 9, 5})) << "an equal run at the end";
  EXPECT_TRUE(is_refused({5})) << "an equal run alone that is no page";
  EXPECT_TRUE(is_refused({0, 0})) << "a run of no bytes";
  EXPECT_TRUE(is_refused({0, 2, 9})) << "a run without all its bytes";
  EXPECT_TRUE(is_refused({0x81, 0, 1, 9})) << "a length that could be shorter";
  EXPECT_TRUE(is_refused({0x81})) << "half a length";
  EXPECT_TRUE(is_refused({0x81, 0x80, 1, 1, 9})) << "a length of three bytes";
  EXPECT_TRUE(is_refused({0x81, 0x20, 1, 9})) << "a length beyond a page";
  EXPECT_FALSE(is_refused({0xff, 0x1f, 1, 9}));
  EXPECT_TRUE(is_refused({0xff, 0x1f, 2, 9, 9})) << "a run beyond the page";
  EXPECT_TRUE(is_refused({0x80, 0x20, 1, 9})) << "a run behind the page";
  EXPECT_FALSE(is_refused({0x80, 0x20}));
  EXPECT_TRUE(is_refused({0x80, 0x20, 0})) << "a byte behind the page";
}

}  // namespace
}  // namespace pageferry::testing
