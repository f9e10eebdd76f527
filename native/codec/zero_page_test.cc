#include "codec/zero_page.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

namespace pageferry {
namespace {

constexpr std::size_t kPage = 4096;
using Bytes = std::vector<std::byte>;

TEST(IsZeroPage, SeesASingleBitAnywhere) {
  Bytes page(kPage);
  EXPECT_TRUE(is_zero_page(page));
  for (std::size_t i = 0; i < kPage; ++i) {
    page[i] = std::byte{0x80};
    ASSERT_FALSE(is_zero_page(page)) << i;
    page[i] = std::byte{0};
  }
}

TEST(IsZeroPage, TakesAnyLengthAndPlaceAndLooksNoFurther) {
  for (std::size_t length = 0; length < 1200; ++length) {
    const std::size_t offset = length % 17;
    Bytes memory(offset + length + 1);
    memory.back() = std::byte{1};
    const std::span<std::byte> page = std::span(memory).subspan(offset, length);
    ASSERT_TRUE(is_zero_page(page)) << length;
    if (length == 0) continue;
    page.back() = std::byte{1};
    ASSERT_FALSE(is_zero_page(page)) << length;
  }
}

}  // namespace
}  // namespace pageferry
