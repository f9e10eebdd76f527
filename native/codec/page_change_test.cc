#include "codec/page_change.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "codec/page_codec_test_util.h"
#include "codec/xbzrle_codec.h"

namespace pageferry {
namespace {

using namespace testing;

constexpr std::size_t kWordBytes = 8;
constexpr std::size_t kWords = kCodecPageBytes / kWordBytes;

// Changes one byte of so many words, all of them different ones.
Bytes changed_in(const Bytes& base, std::size_t words, std::mt19937_64& random) {
  std::vector<std::size_t> places(kWords);
  for (std::size_t i = 0; i < kWords; ++i) places[i] = i;
  std::ranges::shuffle(places, random);
  Bytes page = base;
  for (std::size_t i = 0; i < words; ++i) {
    page[places[i] * kWordBytes + random() % kWordBytes] ^=
        static_cast<std::byte>(1 + random() % 255);
  }
  return page;
}

bool is_little(const Bytes& page, const Bytes& base) {
  return has_changed_little(page_bytes(page), page_bytes(base));
}

TEST(HasChangedLittle, CountsWordsWhereverTheyAre) {
  std::mt19937_64 random(1);
  Bytes base(kCodecPageBytes);
  for (auto& byte : base) byte = static_cast<std::byte>(random());
  EXPECT_TRUE(is_little(base, base));
  for (int i = 0; i < 300; ++i) {
    EXPECT_TRUE(is_little(changed_in(base, kFewChangedWords, random), base));
    EXPECT_FALSE(is_little(changed_in(base, kFewChangedWords + 1, random), base));
  }
  EXPECT_FALSE(is_little(Bytes(kCodecPageBytes), base));
}

// What the header says of XBZRLE.
TEST(HasChangedLittle, MeansAtMost352BytesOfXbzrle) {
  std::mt19937_64 random(2);
  const Bytes base(kCodecPageBytes);
  Bytes page = base;
  for (std::size_t i = 0; i < kFewChangedWords; ++i) {
    // As far apart as they can be, and whole words: a length before each of two bytes, and one of its own.
    std::fill_n(page.begin() + static_cast<std::ptrdiff_t>(i * 16 * kWordBytes), kWordBytes,
                std::byte{1});
  }
  ASSERT_TRUE(is_little(page, base));
  Bytes out(kCodecPageBytes);
  for (int i = 0; i < 300; ++i) {
    const auto length = XbzrleCodec().encode(page_bytes(page), page_bytes(base), out);
    ASSERT_TRUE(length.has_value());
    EXPECT_LE(*length, 352u);
    page = changed_in(base, kFewChangedWords, random);
  }
}

}  // namespace
}  // namespace pageferry
