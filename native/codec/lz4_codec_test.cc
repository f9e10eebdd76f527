// What only LZ4 has: blocks that are valid in themselves and are none of these pages.
#include "codec/lz4_codec.h"

#include "codec/block_test_util.h"

namespace pageferry {
namespace {

using namespace testing;

// One literal, a match that fills up to five bytes before the end of a page, and five literals.
Bytes lz4_page(unsigned offset, unsigned page_bytes = 4096) {
  Bytes block = {std::byte{0x1f}, std::byte{'F'}, static_cast<std::byte>(offset),
                 static_cast<std::byte>(offset >> 8)};
  const unsigned length = page_bytes - 1 - 5 - 4 - 15;
  block.insert(block.end(), length / 255, std::byte{255});
  block.push_back(static_cast<std::byte>(length % 255));
  block.push_back(std::byte{0x50});
  block.insert(block.end(), 5, std::byte{'F'});
  return block;
}

StatusCode decode(Encoding encoding, const Bytes& encoded) {
  Bytes page(kCodecPageBytes);
  const Bytes base(needs_base(encoding) ? page.size() : 0, std::byte{'F'});
  const Status status = make_block_decoder(encoding)->decode(encoded, base, page);
  EXPECT_TRUE(!status.ok() || page == Bytes(page.size(), std::byte{'F'}));
  return status.code();
}

StatusCode decode_delta(const Bytes& of_page) {
  Bytes encoded = {static_cast<std::byte>(of_page.size()), std::byte{0}};
  encoded.insert(encoded.end(), of_page.begin(), of_page.end());
  return decode(Encoding::kLz4Delta, encoded);
}

TEST(Lz4Block, ReachesBackToItsFirstByteAndNoFurther) {
  EXPECT_EQ(decode(Encoding::kLz4, lz4_page(1)), StatusCode::kOk);
  EXPECT_EQ(decode(Encoding::kLz4, lz4_page(2)), StatusCode::kProtocol);
  EXPECT_EQ(decode(Encoding::kLz4, lz4_page(0x8000)), StatusCode::kProtocol);
}

TEST(Lz4Block, OfFewerOrMoreBytesThanItsPagesIsRefused) {
  EXPECT_EQ(decode(Encoding::kLz4, lz4_page(1, 4095)), StatusCode::kProtocol);
  EXPECT_EQ(decode(Encoding::kLz4, lz4_page(1, 4097)), StatusCode::kProtocol);
}

TEST(Lz4Delta, ReachesBackToTheFirstByteOfItsBaseAndNoFurther) {
  EXPECT_EQ(decode_delta(lz4_page(1)), StatusCode::kOk);
  EXPECT_EQ(decode_delta(lz4_page(4097)), StatusCode::kOk);
  EXPECT_EQ(decode_delta(lz4_page(4098)), StatusCode::kProtocol);
  EXPECT_EQ(decode_delta(lz4_page(0xffff)), StatusCode::kProtocol);
}

TEST(Lz4Delta, OfFewerOrMoreBytesThanAPageIsRefused) {
  EXPECT_EQ(decode_delta(lz4_page(4097, 4095)), StatusCode::kProtocol);
  EXPECT_EQ(decode_delta(lz4_page(4097, 4097)), StatusCode::kProtocol);
}

}  // namespace
}  // namespace pageferry
