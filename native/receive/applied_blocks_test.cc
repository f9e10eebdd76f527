// Blocks, deltas and fills as a RecordApplier takes them, whatever a peer makes of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "codec/block_codec.h"
#include "receive/record_applier_test_util.h"

namespace pageferry {
namespace {

using namespace testing;
using Bytes = std::vector<std::byte>;

// A block as a hostile peer may send one: with whatever bitmap and bytes it likes.
struct Block {
  PageIndex page;
  std::uint16_t pages;
  std::uint8_t members;
  Encoding encoding;
  Bytes bitmap;
  Bytes bytes;

  Bytes record_of() const {
    Bytes payload = bitmap;
    append(payload, bytes.data(), bytes.size());
    const wire::TableEntry entry = {page, static_cast<std::uint32_t>(payload.size()), pages,
                                    static_cast<std::uint8_t>(encoding), members};
    return record({entry}, payload);
  }
};

Bytes encoding_of(Encoding encoding, const Bytes& pages, const Bytes& base = {}) {
  Bytes out(pages.size() - 1);
  const auto length = make_block_encoder(encoding)->encode(pages, base, 1, out);
  EXPECT_TRUE(length.has_value());
  out.resize(length.value_or(0));
  return out;
}

Bytes letters(std::size_t pages, char first) {
  Bytes bytes(pages * kPageBytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::byte>(first + i / kPageBytes);
  }
  return bytes;
}

// Nearly the same.
Bytes changed(Bytes pages) {
  for (std::size_t at = 100; at < pages.size(); at += kPageBytes) pages[at] ^= std::byte{0x55};
  return pages;
}

Bytes joined(const std::vector<Bytes>& records) {
  Bytes stream;
  for (const Bytes& each : records) append(stream, each.data(), each.size());
  return stream;
}

TEST(AppliedBlocks, ABlockLeavesItsMembersAndNothingBetweenThem) {
  const FencedGuest guest({16});
  const auto arriving = std::make_shared<ArrivingMemory>(guest.memory());
  const Bytes stream = Block{2,
                             10,
                             3,
                             Encoding::kLz4,
                             {std::byte{0b00010001}, std::byte{0b10}},
                             encoding_of(Encoding::kLz4, letters(3, 'a'))}
                           .record_of();
  EXPECT_EQ(apply_stream(arriving, stream).code(), StatusCode::kPeerClosed);
  for (PageIndex page = 0; page < 16; ++page) {
    const char letter = page == 2 ? 'a' : page == 6 ? 'b' : page == 11 ? 'c' : '\0';
    EXPECT_EQ(*guest.memory()->engine_page(page), static_cast<std::byte>(letter)) << page;
  }
}

TEST(AppliedBlocks, ABitmapThatLiesIsRefusedAndThePageIsNamed) {
  const FencedGuest guest({16});
  const auto arriving = std::make_shared<ArrivingMemory>(guest.memory());
  const Bytes bytes = encoding_of(Encoding::kLz4, letters(3, 'a'));
  const Bytes lies[] = {
      {std::byte{0b00010000}, std::byte{0b10}},   // the first page is no member
      {std::byte{0b00010011}, std::byte{0}},      // the last is none
      {std::byte{0b00000001}, std::byte{0b10}},   // one too few
      {std::byte{0b00110001}, std::byte{0b10}},   // one too many
      {std::byte{0b00010001}, std::byte{0b110}},  // one beyond the pages
      {std::byte{0b00000001}, std::byte{0b110}},  // the same, in place of a member
      {std::byte{0}, std::byte{0}},               // none at all
  };
  for (const Bytes& bitmap : lies) {
    const Status ended =
        apply_stream(arriving, Block{2, 10, 3, Encoding::kLz4, bitmap, bytes}.record_of());
    EXPECT_EQ(ended.code(), StatusCode::kProtocol);
    EXPECT_NE(ended.message().find("page 2 "), std::string::npos) << ended.message();
  }
  EXPECT_EQ(pages_of(populated_pages(*guest.memory())), Pages{});
}

TEST(AppliedBlocks, AnEncodingThatIsWrongIsRefusedAndThePageIsNamed) {
  const FencedGuest guest({16});
  for (const Encoding encoding :
       {Encoding::kLz4, Encoding::kZstd, Encoding::kWkdm64, Encoding::kWkdm32, Encoding::kSparse,
        Encoding::kZstdDelta, Encoding::kLz4Delta, Encoding::kXbzrle}) {
    const auto arriving = std::make_shared<ArrivingMemory>(guest.memory());
    const Bytes zero = record({{9, 0, 1, wire::kContentZero, 0}}, {});
    const Bytes wrong = Block{9, 1, 1, encoding, {}, Bytes(7, std::byte{0xff})}.record_of();
    const Status ended = apply_stream(arriving, joined({zero, wrong}));
    EXPECT_EQ(ended.code(), StatusCode::kProtocol);
    EXPECT_NE(ended.message().find("page 9:"), std::string::npos) << ended.message();
  }
  EXPECT_EQ(*guest.memory()->engine_page(9), std::byte{0});
  EXPECT_TRUE(guest.untouched_around());
}

// One member that has a base does not make up for the other.
TEST(AppliedBlocks, ADeltaOfAPageOfWhichNoRecordCameIsRefusedAndThePageIsNamed) {
  const FencedGuest guest({16});
  const Bytes before = letters(2, 'a');
  for (const Encoding encoding : {Encoding::kZstdDelta, Encoding::kLz4Delta, Encoding::kXbzrle}) {
    const auto arriving = std::make_shared<ArrivingMemory>(guest.memory());
    const Bytes raw = record({{4, kPageBytes, 1, wire::kContentRaw, 0}},
                             Bytes(before.begin(), before.begin() + kPageBytes));
    const Bytes delta =
        Block{4, 2, 2, encoding, {}, encoding_of(encoding, changed(before), before)}.record_of();
    const Status ended = apply_stream(arriving, joined({raw, delta}));
    EXPECT_EQ(ended.code(), StatusCode::kProtocol);
    EXPECT_NE(ended.message().find("page 5 has no base"), std::string::npos) << ended.message();
    EXPECT_EQ(*guest.memory()->engine_page(4), std::byte{'a'}) << "the page was touched";
  }
}

// Whatever brought the page before is its base.
TEST(AppliedBlocks, EveryContentThatBringsAPageMakesItABase) {
  const FencedGuest guest({16});
  const Bytes word = {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4},
                      std::byte{5}, std::byte{6}, std::byte{7}, std::byte{8}};
  Bytes filled;
  for (std::size_t i = 0; i < kWordsPerPage; ++i) append(filled, word.data(), word.size());
  struct Before {
    Bytes record;
    Bytes page;
  };
  const Before each[] = {
      {record({{4, kPageBytes, 1, wire::kContentRaw, 0}}, letters(1, 'r')), letters(1, 'r')},
      {record({{4, 0, 1, wire::kContentZero, 0}}, {}), Bytes(kPageBytes)},
      {record({{4, 8, 1, wire::kContentFill, 0}}, word), filled},
      {Block{4, 1, 1, Encoding::kZstd, {}, encoding_of(Encoding::kZstd, letters(1, 'z'))}
           .record_of(),
       letters(1, 'z')}};
  for (const auto& [before, page] : each) {
    for (const Encoding encoding : {Encoding::kZstdDelta, Encoding::kLz4Delta, Encoding::kXbzrle}) {
      const Bytes now = changed(page);
      const auto arriving = std::make_shared<ArrivingMemory>(guest.memory());
      const Bytes delta =
          Block{4, 1, 1, encoding, {}, encoding_of(encoding, now, page)}.record_of();
      const Status ended = apply_stream(arriving, joined({before, delta}));
      EXPECT_EQ(ended.code(), StatusCode::kPeerClosed) << ended.message();
      EXPECT_TRUE(std::equal(now.begin(), now.end(), guest.memory()->engine_page(4)));
    }
  }
}

TEST(AppliedBlocks, AFillRepeatsItsWordInEveryPageOfItsEntryAndInNoOther) {
  const FencedGuest guest({16});
  const auto arriving = std::make_shared<ArrivingMemory>(guest.memory());
  const std::uint64_t word = 0x0102030405060708;
  Bytes payload;
  append(payload, &word, sizeof(word));
  const Status ended =
      apply_stream(arriving, record({{3, sizeof(word), 5, wire::kContentFill, 0}}, payload));
  EXPECT_EQ(ended.code(), StatusCode::kPeerClosed) << ended.message();
  for (PageIndex page = 2; page < 9; ++page) {
    for (std::size_t i = 0; i < kWordsPerPage; ++i) {
      const bool is_filled = page >= 3 && page < 8;
      ASSERT_EQ(guest_word(*guest.memory(), page, i).load(), is_filled ? word : 0) << page;
    }
  }
}

class BlocksWhileServing : public WhileServing {};

TEST_P(BlocksWhileServing, OfABlockThePagesThatSomebodyElseBroughtAreDuplicates) {
  const Bytes demanded(kPageBytes, std::byte{9});
  for (const PageIndex page : {10, 14})
    ASSERT_TRUE(arriving_->store({page, 1}, demanded.data()).ok());
  const Bytes bitmap = {std::byte{0b00010111}};  // pages 10, 11, 12 and 14
  const std::uint64_t word = 0x0707070707070707;
  Bytes stream =
      Block{10, 5, 4, Encoding::kZstd, bitmap, encoding_of(Encoding::kZstd, letters(4, 'a'))}
          .record_of();
  Bytes payload;
  append(payload, &word, sizeof(word));
  stream = joined({stream, record({{14, sizeof(word), 3, wire::kContentFill, 0}}, payload)});
  auto pair = connect_pair();
  ASSERT_TRUE(pair.near.send_all(stream.data(), stream.size()).ok());
  RecordApplier applier(arriving_, wire::ContentSet::all());
  for (const std::uint64_t duplicates : {2, 1}) {
    const auto header = receive_header(pair.far, wire::RecordType::kPages);
    ASSERT_TRUE(header.ok());
    const auto applied = applier.apply(pair.far, header.value());
    ASSERT_TRUE(applied.ok()) << applied.status().message();
    EXPECT_EQ(applied.value().pages, 2u);
    EXPECT_EQ(applied.value().duplicates, duplicates);
  }
  EXPECT_EQ(arriving_->pages_missing(), 64u - 6u);
  EXPECT_TRUE(arriving_->missing(13));
  for (const PageIndex page : {10, 14}) {
    EXPECT_EQ(read_page(*guest_.memory, page), 0x0909090909090909u) << page;
  }
  EXPECT_EQ(read_page(*guest_.memory, 11), 0x6262626262626262u);
  EXPECT_EQ(read_page(*guest_.memory, 12), 0x6363636363636363u);
  for (const PageIndex page : {15, 16}) EXPECT_EQ(read_page(*guest_.memory, page), word) << page;
}

TEST_P(BlocksWhileServing, ADeltaAfterTheSwitchoverIsRefusedAndThePageStaysMissing) {
  const Bytes before = letters(1, 'a');
  for (const Encoding encoding : {Encoding::kZstdDelta, Encoding::kLz4Delta, Encoding::kXbzrle}) {
    const Bytes raw = record({{4, kPageBytes, 1, wire::kContentRaw, 0}}, before);
    const Bytes delta =
        Block{4, 1, 1, encoding, {}, encoding_of(encoding, changed(before), before)}.record_of();
    EXPECT_EQ(apply_stream(arriving_, joined({raw, delta})).code(), StatusCode::kProtocol);
    EXPECT_EQ(read_page(*guest_.memory, 4), 0x6161616161616161u);
    const Bytes first =
        Block{5, 1, 1, encoding, {}, encoding_of(encoding, changed(before), before)}.record_of();
    const Status ended = apply_stream(arriving_, first);
    EXPECT_EQ(ended.code(), StatusCode::kProtocol);
    EXPECT_NE(ended.message().find("page 5: after the switchover"), std::string::npos)
        << ended.message();
    EXPECT_TRUE(arriving_->missing(5));
  }
}

INSTANTIATE_TEST_SUITE_P(Backings, BlocksWhileServing,
                         ::testing::Values(Backing::kShared, Backing::kPrivate),
                         [](const auto& backing) {
                           return backing.param == Backing::kShared ? "Shared" : "Private";
                         });

}  // namespace
}  // namespace pageferry
