#include "codec/page_codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "codec/lz4_codec.h"

namespace pageferry {
namespace {

using Bytes = std::vector<std::byte>;
constexpr std::size_t kPage = 4096;

Bytes random_bytes(std::mt19937_64& random, std::size_t count, unsigned symbols = 256) {
  Bytes bytes(count);
  for (std::byte& value : bytes) value = static_cast<std::byte>(random() % symbols);
  return bytes;
}

// A page with runs, copies of itself and noise, so that every kind of LZ4 sequence occurs.
Bytes mixed_page(std::mt19937_64& random, std::size_t page_bytes) {
  Bytes page = random_bytes(random, page_bytes, 1 + static_cast<unsigned>(random() % 256));
  for (int i = 0; i < 8; ++i) {
    const std::size_t length = random() % (page_bytes / 4);
    const std::size_t from = random() % (page_bytes - length);
    const std::size_t to = random() % (page_bytes - length);
    if (random() % 2 == 0) {
      std::fill_n(page.begin() + to, length, page[from]);
    } else {
      std::copy_n(Bytes(page).begin() + from, length, page.begin() + to);
    }
  }
  return page;
}

Bytes text_page() {
  const std::string line = "PATH=/usr/local/bin:/usr/bin TERM=xterm LANG=C.UTF-8 user=0 group=0\n";
  Bytes page(kPage);
  for (std::size_t i = 0; i < kPage; ++i) page[i] = static_cast<std::byte>(line[i % line.size()]);
  return page;
}

std::optional<Bytes> encode(const PageCodec& codec, const Bytes& page, std::size_t limit) {
  Bytes out(limit);
  const std::optional<std::size_t> length = codec.encode(page, out);
  if (!length) return std::nullopt;
  EXPECT_LE(*length, limit);
  out.resize(*length);
  return out;
}

class EachPageCodec : public ::testing::TestWithParam<const char*> {
 protected:
  const PageCodec& codec() const { return *find_page_codec(std::string_view(GetParam())); }
};

INSTANTIATE_TEST_SUITE_P(Codecs, EachPageCodec, ::testing::Values("raw", "zero", "lz4"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(EachPageCodec, IsFoundByNameAndById) {
  EXPECT_EQ(codec().name(), GetParam());
  EXPECT_EQ(find_page_codec(codec().id()), &codec());
}

TEST_P(EachPageCodec, DecodesWhatItEncodesOrDeclines) {
  std::mt19937_64 random(1);
  std::vector<Bytes> pages = {Bytes(kPage), Bytes(kPage, std::byte{0xff}), text_page(),
                              random_bytes(random, kPage)};
  for (int i = 0; i < 200; ++i) {
    pages.push_back(mixed_page(random, i % 10 == 0 ? 65536 : kPage));
  }
  for (const Bytes& page : pages) {
    for (const std::size_t limit : {page.size() * 2, page.size(), page.size() - 64}) {
      const std::optional<Bytes> encoded = encode(codec(), page, limit);
      if (!encoded) continue;
      Bytes decoded(page.size(), std::byte{0xaa});
      ASSERT_TRUE(codec().decode(*encoded, decoded).ok());
      ASSERT_EQ(decoded, page);
    }
  }
}

TEST_P(EachPageCodec, NeverWritesBeyondTheLimitItWasGiven) {
  std::mt19937_64 random(2);
  const std::vector<Bytes> pages = {Bytes(kPage), text_page(), mixed_page(random, kPage),
                                    random_bytes(random, kPage)};
  for (const Bytes& page : pages) {
    for (const std::size_t limit : {0, 1, 15, 16, 64, 1000, 4095, 4096}) {
      Bytes out(limit + 64, std::byte{0x5a});
      const auto length = codec().encode(page, std::span(out).first(limit));
      EXPECT_LE(length.value_or(0), limit);
      EXPECT_TRUE(std::all_of(out.begin() + limit, out.end(),
                              [](std::byte value) { return value == std::byte{0x5a}; }));
    }
  }
}

// A hostile encoding is refused or decodes to some page; the sanitizer builds see any byte read or
// written outside the two exactly sized buffers.
TEST_P(EachPageCodec, SurvivesHostileEncodings) {
  std::mt19937_64 random(3);
  Bytes page(kPage);
  for (int i = 0; i < 20'000; ++i) {
    Bytes hostile = random_bytes(random, random() % (i % 50 == 0 ? 20'000 : 200));
    const Status status = codec().decode(hostile, page);
    ASSERT_TRUE(status.ok() || status.code() == StatusCode::kProtocol);
  }
}

TEST_P(EachPageCodec, SurvivesDamagedEncodings) {
  std::mt19937_64 random(4);
  for (int i = 0; i < 5'000; ++i) {
    const Bytes original = i % 2 == 0 ? mixed_page(random, kPage) : Bytes(kPage);
    std::optional<Bytes> encoded = encode(codec(), original, kPage * 2);
    if (!encoded || encoded->empty()) continue;
    for (std::uint64_t flips = 1 + random() % 4; flips > 0; --flips) {
      (*encoded)[random() % encoded->size()] ^= static_cast<std::byte>(1 + random() % 255);
    }
    Bytes page(kPage);
    const Status status = codec().decode(*encoded, page);
    ASSERT_TRUE(status.ok() || status.code() == StatusCode::kProtocol);
  }
}

TEST_P(EachPageCodec, RefusesAnEncodingOfAnotherLength) {
  std::mt19937_64 random(5);
  const Bytes original = codec().id() == PageCodecId::kZero ? Bytes(kPage) : text_page();
  const Bytes encoded = *encode(codec(), original, kPage * 2);
  Bytes page(kPage);
  for (std::size_t length = 0; length < encoded.size(); ++length) {
    const Status status = codec().decode(Bytes(encoded.begin(), encoded.begin() + length), page);
    ASSERT_EQ(status.code(), StatusCode::kProtocol) << length << " of " << encoded.size();
  }
  Bytes longer = encoded;
  longer.push_back(std::byte{1});
  EXPECT_EQ(codec().decode(longer, page).code(), StatusCode::kProtocol);
  EXPECT_EQ(codec().decode(Bytes(kPage * 3), page).code(), StatusCode::kProtocol);
}

TEST(PageCodec, UnknownCodecsAreNotFound) {
  EXPECT_EQ(find_page_codec("zip"), nullptr);
  EXPECT_EQ(find_page_codec(""), nullptr);
  EXPECT_EQ(find_page_codec(static_cast<PageCodecId>(255)), nullptr);
}

TEST(PageCodec, NumbersOnTheWireNeverChange) {
  EXPECT_EQ(static_cast<int>(find_page_codec("raw")->id()), 0);
  EXPECT_EQ(static_cast<int>(find_page_codec("zero")->id()), 1);
  EXPECT_EQ(static_cast<int>(find_page_codec("lz4")->id()), 2);
}

TEST(RawCodec, DeclinesAPageThatDoesNotFit) {
  EXPECT_FALSE(encode(*find_page_codec("raw"), text_page(), kPage - 1));
  EXPECT_EQ(encode(*find_page_codec("raw"), text_page(), kPage), text_page());
}

TEST(ZeroCodec, TakesNoBytesAndDeclinesEveryOtherPage) {
  EXPECT_EQ(encode(*find_page_codec("zero"), Bytes(kPage), 0), Bytes());
  EXPECT_FALSE(encode(*find_page_codec("zero"), text_page(), kPage));
}

TEST(Lz4Codec, IsBuiltFromVersion1_10_0) { EXPECT_EQ(lz4_version(), "1.10.0"); }

TEST(Lz4Codec, MakesTextSmallAndDeclinesNoise) {
  std::mt19937_64 random(6);
  const PageCodec& lz4 = *find_page_codec("lz4");
  EXPECT_LT(encode(lz4, text_page(), kPage)->size(), kPage / 10);
  EXPECT_FALSE(encode(lz4, random_bytes(random, kPage), kPage));
}

TEST(Lz4Codec, RefusesAValidBlockOfAShorterOrLongerPage) {
  const PageCodec& lz4 = *find_page_codec("lz4");
  const Bytes encoded = *encode(lz4, text_page(), kPage);
  Bytes shorter(kPage - 1);
  Bytes longer(kPage + 1);
  EXPECT_EQ(lz4.decode(encoded, shorter).code(), StatusCode::kProtocol);
  EXPECT_EQ(lz4.decode(encoded, longer).code(), StatusCode::kProtocol);
}

}  // namespace
}  // namespace pageferry
