#include "workload/page_digest.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "workload/guest_words.h"
#include "workload/page_content.h"

namespace pageferry {
namespace {

struct alignas(64) Page {
  std::array<std::byte, kPageBytes> bytes;
  std::byte* data() { return bytes.data(); }
};

Page random_page(PageIndex page) {
  Page content;
  render_page(FillKind::kRandom, 5, page, content.data());
  return content;
}

void flip(Page& page, std::size_t bit) { page.bytes[bit / 8] ^= std::byte{1} << (bit % 8); }

constexpr std::uint32_t kSlotSizes[] = {8, 16, 24, 64, 72, 200, 2048, 4088, 4096};

TEST(PageSlots, LieWithinTheirPageAndOnWords) {
  for (const std::uint32_t bytes : kSlotSizes) {
    const PageSlots slots(bytes, 1);
    for (PageIndex page = 0; page < 10'000; ++page) {
      ASSERT_LE(slots.offset(page) + bytes, kPageBytes);
      ASSERT_EQ(slots.offset(page) % kWordBytes, 0u);
    }
  }
}

TEST(PageSlots, LieAtDifferentOffsetsInDifferentPages) {
  const PageSlots slots(64, 1);
  std::set<std::size_t> offsets;
  for (PageIndex page = 0; page < 10'000; ++page) offsets.insert(slots.offset(page));
  EXPECT_EQ(offsets.size(), 64u);
}

TEST(PageDigest, SeesEverySingleFlippedBitOfAnUnwrittenPage) {
  for (const std::uint32_t bytes : kSlotSizes) {
    const PageSlots slots(bytes, 1);
    Page page = random_page(3);
    const PageDigest initial = digest_page(page.data(), 3, slots);
    ASSERT_TRUE(page_matches(page.data(), 3, slots, initial, 0));
    for (std::size_t bit = 0; bit < kPageBytes * 8; ++bit) {
      flip(page, bit);
      ASSERT_FALSE(page_matches(page.data(), 3, slots, initial, 0)) << bytes << " bit " << bit;
      flip(page, bit);
    }
  }
}

TEST(PageDigest, SeesEverySingleFlippedBitOfAWrittenPage) {
  for (const std::uint32_t bytes : kSlotSizes) {
    const PageSlots slots(bytes, 1);
    Page page = random_page(3);
    const PageDigest initial = digest_page(page.data(), 3, slots);
    slots.write(page.data(), 3);
    slots.write(page.data(), 3);
    ASSERT_TRUE(page_matches(page.data(), 3, slots, initial, 2));
    for (std::size_t bit = 0; bit < kPageBytes * 8; ++bit) {
      flip(page, bit);
      ASSERT_FALSE(page_matches(page.data(), 3, slots, initial, 2)) << bytes << " bit " << bit;
      flip(page, bit);
    }
  }
}

TEST(PageDigest, SeesAWriteTooFewAndAWriteTooMany) {
  const PageSlots slots(64, 1);
  Page page = random_page(9);
  const PageDigest initial = digest_page(page.data(), 9, slots);
  for (int i = 0; i < 5; ++i) slots.write(page.data(), 9);
  EXPECT_FALSE(page_matches(page.data(), 9, slots, initial, 0));
  EXPECT_FALSE(page_matches(page.data(), 9, slots, initial, 4));
  EXPECT_TRUE(page_matches(page.data(), 9, slots, initial, 5));
  EXPECT_FALSE(page_matches(page.data(), 9, slots, initial, 6));
}

TEST(PageDigest, SeesSwappedPagesAndSwappedWords) {
  const PageSlots slots(64, 1);
  Page page = random_page(1);
  const PageDigest initial = digest_page(page.data(), 1, slots);
  EXPECT_FALSE(page_matches(random_page(2).data(), 1, slots, initial, 0));
  const std::size_t at = slots.offset(1) == 0 ? 64 : 0;
  std::swap(page.bytes[at], page.bytes[at + 32]);  // the same lane of the hash
  EXPECT_FALSE(page_matches(page.data(), 1, slots, initial, 0));
}

TEST(PageContent, TextIsPrintableAndRandomDiffersFromPageToPage) {
  Page text;
  render_page(FillKind::kText, 1, 0, text.data());
  for (const std::byte byte : text.bytes) {
    const char character = static_cast<char>(byte);
    ASSERT_TRUE(character == '\n' || (character >= ' ' && character <= '~'));
  }
  EXPECT_NE(random_page(1).bytes, random_page(2).bytes);
}

}  // namespace
}  // namespace pageferry
