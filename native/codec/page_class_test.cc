#include "codec/page_class.h"

#include <gtest/gtest.h>

#include "codec/page_codec_test_util.h"
#include "codec/wkdm64_codec.h"

namespace pageferry::testing {
namespace {

using Words = std::vector<std::uint64_t>;
constexpr std::size_t kWords = 512;

PageClass class_of(const Bytes& page) { return classify_page(page_bytes(page)); }

// `count` words of the page from `make`, in random places.
template <class Make>
void put_words(Words& words, std::size_t count, std::mt19937_64& random, Make make) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == 0) places.push_back(i);
  }
  std::shuffle(places.begin(), places.end(), random);
  places.resize(count);
  for (const std::size_t place : places) words[place] = make();
}

TEST(ClassifyPage, CallsAPageSparseByTheNumberOfItsZeroWordsWhereverTheyAre) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200; ++i) {
    for (const std::size_t zeros : {kSparseZeroWords - 1, kSparseZeroWords}) {
      Words words(kWords);
      put_words(words, kWords - zeros, random, [&] { return random() | 1; });
      const bool is_sparse = class_of(page_of(words)) == PageClass::kSparse;
      ASSERT_EQ(is_sparse, zeros >= kSparseZeroWords);
    }
  }
}

TEST(ClassifyPage, WaitsForZeroWordsThatMayStillCome) {
  Words words(kWords);
  for (std::size_t i = 0; i < kWords - kSparseZeroWords; ++i) words[i] = 0x00007f1234560000 + i;
  EXPECT_EQ(class_of(page_of(words)), PageClass::kSparse);
  words[kWords - 1] = 1;
  EXPECT_EQ(class_of(page_of(words)), PageClass::kSimilar);
}

// The tags of the codec say how many words it sends whole.
std::size_t misses(const Bytes& page) {
  Bytes encoded(2 * kCodecPageBytes);
  EXPECT_TRUE(Wkdm64Codec().encode(page_bytes(page), page_bytes(page), encoded).has_value());
  std::size_t count = 0;
  for (std::size_t i = 0; i < kWords; ++i) {
    if ((std::to_integer<unsigned>(encoded[i / 4]) >> i % 4 * 2 & 3) == 3) ++count;
  }
  return count;
}

TEST(ClassifyPage, CallsAPageSimilarByTheWordsThatWkdmWouldNotSendWhole) {
  std::mt19937_64 random(2);
  std::size_t similar = 0;
  std::size_t near = 0;
  for (int i = 0; i < 4000; ++i) {
    Words words(kWords);
    const std::uint64_t common = random();
    put_words(words, 150 + random() % 180, random, [&] { return random() | 1; });
    put_words(words, 110 + random() % 40, random, [&] { return common ^ random() % 65536; });
    const Bytes page = page_of(words);
    const std::size_t caught = kWords - misses(page);
    if (caught == kSimilarWords || caught == kSimilarWords - 1) ++near;
    const PageClass expected = caught >= kSimilarWords ? PageClass::kSimilar : PageClass::kOther;
    ASSERT_EQ(class_of(page), expected) << caught;
    if (expected == PageClass::kSimilar) ++similar;
  }
  EXPECT_GT(similar, 500U);
  EXPECT_LT(similar, 3500U);
  EXPECT_GT(near, 10U);
}

TEST(ClassifyPage, KnowsThePagesThatEachClassIsFor) {
  std::mt19937_64 random(3);
  EXPECT_EQ(class_of(zero_page()), PageClass::kSparse);
  EXPECT_EQ(class_of(Bytes(kCodecPageBytes, std::byte{0x11})), PageClass::kSimilar);
  EXPECT_EQ(class_of(pointer_page(random)), PageClass::kSimilar);
  // Words of which all low bits differ from those of the word before, and no high bit.
  Words words(kWords);
  for (std::size_t i = 0; i < kWords; ++i) words[i] = 0x00007f1234560000 + i % 2 * 0xffff;
  EXPECT_EQ(class_of(page_of(words)), PageClass::kSimilar);
  EXPECT_EQ(class_of(text_page(random)), PageClass::kOther);
  EXPECT_EQ(class_of(random_page(random)), PageClass::kOther);
}

}  // namespace
}  // namespace pageferry::testing
