// What only zstd has: frames that the library would take and that docs/encodings.md does not allow.
#include "codec/zstd_codec.h"

#include "codec/block_test_util.h"
#include "codec/zstd_frame.h"

namespace pageferry {
namespace {

using namespace testing;

Bytes bytes_of(std::initializer_list<int> values) {
  Bytes bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

enum BlockType { kRaw, kRle, kCompressed, kReserved };

// The header of a block of a frame, and of an RLE block the byte.
Bytes block(bool last, BlockType type, std::size_t size) {
  const std::size_t bits = size << 3 | static_cast<std::size_t>(type) << 1 | (last ? 1 : 0);
  Bytes made;
  for (int shift = 0; shift < 24; shift += 8) made.push_back(static_cast<std::byte>(bits >> shift));
  if (type == kRle) made.push_back(std::byte{'F'});
  return made;
}

// A frame's header for this many pages alone.
Bytes header(std::size_t pages) {
  return bytes_of({0, (zstd_window_log(pages * kCodecPageBytes) - 10) << 3});
}

StatusCode decode(const Bytes& encoded, std::size_t pages) {
  Bytes decoded(pages * kCodecPageBytes);
  const Status status = make_zstd_decoder()->decode(encoded, {}, decoded);
  EXPECT_TRUE(!status.ok() || decoded == Bytes(decoded.size(), std::byte{'F'}));
  return status.code();
}

TEST(ZstdFrame, OfRunsIsTaken) {
  EXPECT_EQ(decode(joined({header(1), block(true, kRle, 4096)}), 1), StatusCode::kOk);
  EXPECT_EQ(decode(joined({header(3), block(false, kRle, 4096), block(true, kRle, 8192)}), 3),
            StatusCode::kOk);
}

TEST(ZstdFrame, WithAnyFlagInItsHeaderIsRefused) {
  const Bytes run = block(true, kRle, 4096);
  for (int flags = 1; flags < 256; ++flags) {
    // What each asks for follows, so that the library would take some of them: a content size, a checksum.
    const Bytes sizes = bytes_of({0, 16, 0, 0, 0, 0, 0, 0});
    for (std::size_t count = 0; count <= sizes.size(); ++count) {
      const Bytes fields(sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(count));
      const Bytes first = bytes_of({flags, 16});
      EXPECT_EQ(decode(joined({first, fields, run}), 1), StatusCode::kProtocol) << flags;
      EXPECT_EQ(decode(joined({first, fields, run, Bytes(4)}), 1), StatusCode::kProtocol) << flags;
    }
  }
}

TEST(ZstdFrame, WithAnotherWindowIsRefused) {
  for (int window = 0; window < 256; ++window) {
    const Bytes frame = joined({bytes_of({0, window}), block(true, kRle, 4096)});
    EXPECT_EQ(decode(frame, 1), window == 16 ? StatusCode::kOk : StatusCode::kProtocol) << window;
  }
}

TEST(ZstdFrame, WithItsMagicNumberIsRefused) {
  const Bytes frame = joined({header(1), block(true, kRle, 4096)});
  EXPECT_EQ(decode(joined({bytes_of({0x28, 0xb5, 0x2f, 0xfd}), frame}), 1), StatusCode::kProtocol);
}

TEST(ZstdFrame, BesideAnotherIsRefused) {
  const Bytes page = joined({header(1), block(true, kRle, 4096)});
  const Bytes nothing = joined({header(1), block(true, kRaw, 0)});
  EXPECT_EQ(decode(joined({page, nothing}), 1), StatusCode::kProtocol);
  EXPECT_EQ(decode(joined({nothing, page}), 1), StatusCode::kProtocol);
  const Bytes half = joined({header(2), block(true, kRle, 4096)});
  EXPECT_EQ(decode(joined({half, half}), 2), StatusCode::kProtocol);
}

TEST(ZstdFrame, BesideASkippableFrameIsRefused) {
  const Bytes page = joined({header(1), block(true, kRle, 4096)});
  const Bytes skippable = bytes_of({0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 9});
  EXPECT_EQ(decode(joined({page, skippable}), 1), StatusCode::kProtocol);
  EXPECT_EQ(decode(joined({skippable, page}), 1), StatusCode::kProtocol);
}

TEST(ZstdFrame, WithABlockBeyondTheLargestIsRefused) {
  const std::size_t most = 131072;
  const Bytes two = joined({header(64), block(false, kRle, most), block(true, kRle, most)});
  EXPECT_EQ(decode(two, 64), StatusCode::kOk);
  EXPECT_EQ(decode(joined({header(64), block(true, kRle, 2 * most)}), 64), StatusCode::kProtocol);
  EXPECT_EQ(
      decode(joined({header(64), block(true, kRaw, 2 * most), Bytes(2 * most, std::byte{'F'})}),
             64),
      StatusCode::kProtocol);
}

TEST(ZstdFrame, WithAReservedBlockIsRefused) {
  const Bytes page = block(true, kRle, 4096);
  EXPECT_EQ(decode(joined({header(1), block(false, kReserved, 0), page}), 1),
            StatusCode::kProtocol);
}

TEST(ZstdFrame, OfFewerOrMoreBytesThanItsPagesIsRefused) {
  for (const std::size_t size : {0, 1, 4095, 4097, 8192}) {
    EXPECT_EQ(decode(joined({header(1), block(true, kRle, size)}), 1), StatusCode::kProtocol)
        << size;
  }
}

TEST(ZstdFrame, HasTheLeastWindowThatHoldsItsPages) {
  EXPECT_EQ(zstd_window_log(1), 10);
  EXPECT_EQ(zstd_window_log(4096), 12);
  EXPECT_EQ(zstd_window_log(4097), 13);
  EXPECT_EQ(zstd_window_log(kMostBlockBytes), 18);
  EXPECT_EQ(zstd_window_log(2 * kMostBlockBytes), 19);
}

TEST(ZstdDelta, TakesABaseThatBeginsLikeADictionaryOfZstd) {
  Random random(1);
  Bytes base = noise(random, kCodecPageBytes);
  const Bytes magic = bytes_of({0x37, 0xa4, 0x30, 0xec, 1, 0, 0, 0});
  std::copy(magic.begin(), magic.end(), base.begin());
  const Bytes page = with_changes(random, base, 3);
  const Bytes encoded = encode_whole(*make_zstd_delta_encoder(), page, base);
  EXPECT_LT(encoded.size(), 100U);
  Bytes decoded(page.size());
  ASSERT_TRUE(make_zstd_delta_decoder()->decode(encoded, base, decoded).ok());
  EXPECT_TRUE(decoded == page);
}

// Noise, so that nothing is found but the bases.
TEST(ZstdDelta, FindsTheBaseOfEachPageOfTheLargestBlock) {
  Random random(2);
  const Bytes base = noise(random, kMostBlockBytes);
  const Bytes pages = with_changes(random, base, kMostBlockPages);
  const auto encoder = make_zstd_delta_encoder();
  for (const int level : {1, 2, 3, 9}) {
    EXPECT_LT(encode_whole(*encoder, pages, base, level).size(), kMostBlockPages * 32) << level;
  }
}

TEST(ZstdDelta, DecodesBesideItsOwnBaseOnly) {
  Random random(3);
  const Bytes base = noise(random, kCodecPageBytes);
  const Bytes page = with_changes(random, base, 3);
  const Bytes encoded = encode_whole(*make_zstd_delta_encoder(), page, base);
  Bytes decoded(page.size());
  ASSERT_TRUE(make_zstd_delta_decoder()->decode(encoded, Bytes(base.size()), decoded).ok());
  EXPECT_FALSE(decoded == page);
}

}  // namespace
}  // namespace pageferry
