#include "codec/block_codec.h"

#include "codec/block_test_util.h"
#include "codec/lz4_codec.h"
#include "codec/zstd_codec.h"

namespace pageferry {
namespace {

using namespace testing;

class EachEncoding : public ::testing::TestWithParam<Encoding> {
 protected:
  Encoding encoding() const { return GetParam(); }
  BlockEncoder& encoder() { return *encoder_; }
  BlockDecoder& decoder() { return *decoder_; }

  // Decodes into what held something else before.
  Status decode(const Bytes& encoded, const Bytes& base, Bytes& pages) {
    std::fill(pages.begin(), pages.end(), std::byte{0xaa});
    return decoder_->decode(encoded, base, pages);
  }
  void expect_back(const Bytes& encoded, const Bytes& base, const Bytes& pages) {
    Bytes decoded(pages.size());
    const Status status = decode(encoded, base, decoded);
    ASSERT_TRUE(status.ok()) << status.message();
    ASSERT_TRUE(decoded == pages);
  }

 private:
  std::unique_ptr<BlockEncoder> encoder_ = make_block_encoder(GetParam());
  std::unique_ptr<BlockDecoder> decoder_ = make_block_decoder(GetParam());
};

INSTANTIATE_TEST_SUITE_P(Encodings, EachEncoding, ::testing::ValuesIn(encodings_that_are_there()),
                         [](const auto& info) {
                           std::string name = name_of(info.param);
                           std::erase(name, '-');
                           return name;
                         });

TEST_P(EachEncoding, DecodesWhatItEncodes) {
  Random random(1);
  for (const std::size_t pages : {1, 2, 3, 15, 16, 17, 32, 33, 64}) {
    for (const Bytes& block : contents(random, pages)) {
      for (const Bytes& base : bases(random, encoding(), block)) {
        for (const int level : {1, 3, 9}) {
          ASSERT_NO_FATAL_FAILURE(
              expect_back(encode_whole(encoder(), block, base, level), base, block))
              << pages << " pages, level " << level;
        }
      }
    }
  }
}

// Also that what an encoder has allocated is enough for each: zstd gives up where it is not.
TEST_P(EachEncoding, TakesEachLevelForEachNumberOfPages) {
  Random random(2);
  for (std::size_t pages = 1; pages <= kMostBlockPages; pages += 1 + pages / 4) {
    const Bytes block(pages * kCodecPageBytes, std::byte{1});
    const Bytes base = needs_base(encoding()) ? Bytes(block.size()) : Bytes();
    for (int level = kLeastZstdLevel; level <= kMostZstdLevel; ++level) {
      ASSERT_NO_FATAL_FAILURE(expect_back(encode_whole(encoder(), block, base, level), base, block))
          << pages << " pages, level " << level;
    }
  }
  for (const std::size_t pages : {1, 16, 64}) {
    const Bytes block = text(random, pages * kCodecPageBytes);
    const Bytes base = needs_base(encoding()) ? mixture(random, block.size()) : Bytes();
    ASSERT_NO_FATAL_FAILURE(
        expect_back(encode_whole(encoder(), block, base, kMostZstdLevel), base, block));
  }
}

TEST_P(EachEncoding, StaysWithinItsRoom) {
  Random random(3);
  for (const std::size_t pages : {1, 16}) {
    for (const Bytes& block : contents(random, pages)) {
      for (const Bytes& base : bases(random, encoding(), block)) {
        const std::size_t whole = encode_whole(encoder(), block, base).size();
        for (const std::size_t room : {std::size_t{0}, std::size_t{1}, std::size_t{2},
                                       std::size_t{15}, whole / 2, whole - 1, whole}) {
          const auto encoded = encode(encoder(), block, base, room);
          if (!encoded.has_value()) continue;
          ASSERT_NO_FATAL_FAILURE(expect_back(*encoded, base, block));
        }
        ASSERT_FALSE(encode(encoder(), block, base, whole / 2).has_value());
      }
    }
  }
}

TEST_P(EachEncoding, IsDecodedByAnyDecoderWhateverItsEncoderDidBefore) {
  Random random(4);
  for (int i = 0; i < 200; ++i) {
    const Bytes block = mixture(random, (1 + random() % 20) * kCodecPageBytes);
    const Bytes base = needs_base(encoding()) ? with_changes(random, block, 30) : Bytes();
    encode(encoder(), block, base, random() % block.size());
    const Bytes encoded = encode_whole(encoder(), block, base, 1 + i % 5);
    Bytes decoded(block.size());
    ASSERT_TRUE(make_block_decoder(encoding())->decode(encoded, base, decoded).ok());
    ASSERT_TRUE(decoded == block);
  }
}

TEST_P(EachEncoding, RefusesWhatIsCutOrGoesOn) {
  Random random(5);
  for (const Bytes& block : contents(random, 2)) {
    for (const Bytes& base : bases(random, encoding(), block)) {
      Bytes encoded = encode_whole(encoder(), block, base, 3);
      Bytes decoded(block.size());
      for (std::size_t length = 0; length < encoded.size(); ++length) {
        const Bytes cut(encoded.begin(), encoded.begin() + static_cast<std::ptrdiff_t>(length));
        ASSERT_EQ(decode(cut, base, decoded).code(), StatusCode::kProtocol)
            << length << " of " << encoded.size();
      }
      encoded.push_back(std::byte{0});
      ASSERT_EQ(decode(encoded, base, decoded).code(), StatusCode::kProtocol);
      encoded.resize(10 * block.size());
      ASSERT_EQ(decode(encoded, base, decoded).code(), StatusCode::kProtocol);
    }
  }
}

TEST_P(EachEncoding, RefusesABlockOfAnotherNumberOfPages) {
  Random random(6);
  for (const std::size_t pages : {2, 3, 16}) {
    for (const Bytes& block : contents(random, pages)) {
      const Bytes base = needs_base(encoding()) ? with_changes(random, block, 9) : Bytes();
      const Bytes encoded = encode_whole(encoder(), block, base);
      for (const std::size_t others : {pages - 1, pages + 1}) {
        Bytes decoded(others * kCodecPageBytes);
        const Bytes other_base(needs_base(encoding()) ? decoded.size() : 0);
        ASSERT_EQ(decode(encoded, other_base, decoded).code(), StatusCode::kProtocol);
      }
    }
  }
}

// Each ends in a refusal or in some page; sanitizers see what is read or written beside the buffers. And a decoder that
// has met it decodes the next block as ever.
TEST_P(EachEncoding, SurvivesFlippedBits) {
  Random random(7);
  for (int i = 0; i < 3000; ++i) {
    const Bytes block = i % 3 == 0   ? text(random, kCodecPageBytes)
                        : i % 3 == 1 ? mixture(random, 2 * kCodecPageBytes)
                                     : words(random, 4 * kCodecPageBytes);
    const Bytes base = needs_base(encoding()) ? with_changes(random, block, 50) : Bytes();
    const Bytes encoded = encode_whole(encoder(), block, base, 1 + i % 7);
    Bytes damaged = encoded;
    for (std::uint64_t flips = 1 + random() % 4; flips > 0; --flips) {
      damaged[random() % damaged.size()] ^= static_cast<std::byte>(1 << random() % 8);
    }
    Bytes decoded(block.size());
    const Status status = decode(damaged, base, decoded);
    ASSERT_TRUE(status.ok() || status.code() == StatusCode::kProtocol);
    ASSERT_NO_FATAL_FAILURE(expect_back(encoded, base, block));
  }
}

// Behind the first bytes of what was right: alone it would be refused for them.
TEST_P(EachEncoding, SurvivesNoise) {
  Random random(8);
  for (int i = 0; i < 20'000; ++i) {
    Bytes decoded((1 + random() % 3) * kCodecPageBytes);
    const Bytes base(needs_base(encoding()) ? decoded.size() : 0, std::byte{7});
    Bytes hostile = encode_whole(encoder(), decoded, base);
    hostile.resize(std::min<std::size_t>(hostile.size(), random() % 6));
    const Bytes end = noise(random, random() % (i % 50 == 0 ? 20'000 : 200));
    hostile.insert(hostile.end(), end.begin(), end.end());
    const Status status = decode(hostile, base, decoded);
    ASSERT_TRUE(status.ok() || status.code() == StatusCode::kProtocol);
  }
}

TEST_P(EachEncoding, MakesTextAndSmallChangesSmall) {
  Random random(9);
  const Bytes block = text(random, 16 * kCodecPageBytes);
  const Bytes base = needs_base(encoding()) ? with_changes(random, block, 16) : Bytes();
  if (needs_base(encoding())) {
    EXPECT_LT(encode_whole(encoder(), block, base).size(), block.size() / 20);
  } else if (encoding() == Encoding::kLz4 || encoding() == Encoding::kZstd) {
    EXPECT_LT(encode_whole(encoder(), block, base).size(), block.size() / 3);
  }
}

TEST(BlockCodecs, AreThoseOfTheEncodingsThatNeedABase) {
  for (const Encoding encoding : kEveryEncoding) {
    const bool expected = encoding == Encoding::kZstdDelta || encoding == Encoding::kLz4Delta ||
                          encoding == Encoding::kXbzrle;
    EXPECT_EQ(needs_base(encoding), expected) << name_of(encoding);
  }
}

TEST(BlockCodecs, OfAnUnknownEncodingAreNotThere) {
  for (const int number : {0, 1, 10, 255}) {
    EXPECT_EQ(make_block_encoder(static_cast<Encoding>(number)), nullptr) << number;
    EXPECT_EQ(make_block_decoder(static_cast<Encoding>(number)), nullptr) << number;
  }
}

TEST(BlockCodecs, AreBuiltFromTheLibrariesThatWereReviewed) {
  EXPECT_EQ(lz4_version(), "1.10.0");
  EXPECT_EQ(zstd_version(), "1.5.7");
}

}  // namespace
}  // namespace pageferry
