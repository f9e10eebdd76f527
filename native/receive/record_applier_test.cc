#include "receive/record_applier.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "codec/block_codec.h"
#include "os/thread_test_util.h"
#include "receive/record_applier_test_util.h"
#include "send/ferry_test_util.h"
#include "wire/record_reader.h"
#include "wire/record_test_util.h"
#include "wire/record_writer.h"

namespace pageferry {
namespace {

using namespace testing;
using Bytes = std::vector<std::byte>;

constexpr std::uint8_t kContentLz4 = 2;
Bytes lz4_block(PageIndex page) {
  std::vector<std::uint64_t> words(kWordsPerPage);
  for (std::uint64_t i = 0; i < kWordsPerPage; ++i) words[i] = page + i / 32;
  Bytes block(kPageBytes - 1);
  const auto length =
      make_block_encoder(Encoding::kLz4)->encode(std::as_bytes(std::span(words)), {}, 1, block);
  EXPECT_TRUE(length.has_value());
  block.resize(length.value_or(0));
  return block;
}

TEST(RecordApplier, AnUnknownContentIsRefusedBeforeItsPayloadIsRead) {
  const FencedGuest guest({16});
  const auto arriving = std::make_shared<ArrivingMemory>(guest.memory());
  for (const int content : {11, 17, 128, 254}) {
    const wire::TableEntry entry = {1, 100, 1, static_cast<std::uint8_t>(content), 0};
    auto stream = record({entry}, Bytes(100));
    stream.erase(stream.end() - 100, stream.end());
    EXPECT_EQ(apply_stream(arriving, stream).code(), StatusCode::kProtocol) << content;
  }
}

TEST(RecordApplier, AnLz4PageThatIsNoneIsAProtocolError) {
  const FencedGuest guest({16});
  const auto arriving = std::make_shared<ArrivingMemory>(guest.memory());
  Bytes block = lz4_block(1);
  const auto size = static_cast<std::uint32_t>(block.size());
  const auto apply_block = [&](const Bytes& payload) {
    const wire::TableEntry entry = {15, static_cast<std::uint32_t>(payload.size()), 1, kContentLz4,
                                    1};
    return apply_stream(arriving, record({entry}, payload));
  };
  EXPECT_EQ(apply_block(block).code(), StatusCode::kPeerClosed) << "a good block was refused";
  EXPECT_EQ(apply_block(Bytes(block.begin(), block.begin() + size / 2)).code(),
            StatusCode::kProtocol);
  EXPECT_EQ(apply_block(Bytes(block.size(), std::byte{0xff})).code(), StatusCode::kProtocol);
  block.push_back(std::byte{0});
  EXPECT_EQ(apply_block(block).code(), StatusCode::kProtocol);
  EXPECT_TRUE(guest.untouched_around());
}

TEST(RecordApplier, PagesAreCountedAsWrittenOrAsDuplicates) {
  if (const auto why = why_no_post_copy(Backing::kShared); !why.empty()) GTEST_SKIP() << why;
  const TestGuest guest = make_guest(Backing::kShared, {64});
  const auto arriving = std::make_shared<ArrivingMemory>(guest.memory);
  ASSERT_TRUE(arriving->mark_missing({0, 64}).ok());
  ASSERT_TRUE(arriving->start_serving([] {}).ok());
  const Bytes demanded(kPageBytes, std::byte{9});
  for (const PageIndex page : {2, 3, 7, 20}) {
    ASSERT_TRUE(arriving->store({page, 1}, demanded.data()).ok());
  }
  const Bytes payload(10 * kPageBytes, std::byte{7});
  auto stream = record(
      {{0, 10 * kPageBytes, 10, wire::kContentRaw, 0}, {18, 0, 4, wire::kContentZero, 0}}, payload);
  auto pair = connect_pair();
  std::thread sender([&] { (void)pair.near.send_all(stream.data(), stream.size()); });
  RecordApplier applier(arriving, wire::ContentSet::all());
  const auto header = receive_header(pair.far, wire::RecordType::kPages);
  ASSERT_TRUE(header.ok());
  const auto applied = applier.apply(pair.far, header.value());
  sender.join();
  ASSERT_TRUE(applied.ok()) << applied.status().message();
  EXPECT_EQ(applied.value().pages, 10u);
  EXPECT_EQ(applied.value().duplicates, 4u);
  EXPECT_EQ(arriving->pages_missing(), 50u);
  for (PageIndex page = 0; page < 10; ++page) {
    const bool was_here = page == 2 || page == 3 || page == 7;
    EXPECT_EQ(*guest.memory->engine_page(page), was_here ? std::byte{9} : std::byte{7}) << page;
  }
}

TEST(RecordApplier, WhileAGuestMayWaitTheFirstPagesOfARecordAreThereBeforeItsLast) {
  if (const auto why = why_no_post_copy(Backing::kShared); !why.empty()) GTEST_SKIP() << why;
  constexpr std::uint64_t kPages = 256;
  const TestGuest guest = make_guest(Backing::kShared, {kPages});
  const auto arriving = std::make_shared<ArrivingMemory>(guest.memory);
  ASSERT_TRUE(arriving->mark_missing({0, kPages}).ok());
  ASSERT_TRUE(arriving->start_serving([] {}).ok());
  const auto stream = record({{0, kPages * kPageBytes, kPages, wire::kContentRaw, 0}},
                             Bytes(kPages * kPageBytes, std::byte{7}));
  auto pair = connect_pair();
  std::thread sender([&] { (void)pair.near.send_all(stream.data(), stream.size() - 1); });
  Status status;
  WatchedThread applying([&] {
    const auto header = receive_header(pair.far, wire::RecordType::kPages);
    status =
        RecordApplier(arriving, wire::ContentSet::all()).apply(pair.far, header.value()).status();
  });
  wait_until([&] { return !arriving->missing(0); });
  sender.join();
  applying.wait_until_asleep();  // For the last byte.
  EXPECT_TRUE(arriving->missing(kPages - 1));
  EXPECT_LT(arriving->pages_missing(), 32u);
  pair.far.shutdown();
  applying.join();
  EXPECT_EQ(status.code(), StatusCode::kCancelled);
}

class RecordApplierServing : public WhileServing {};

TEST_P(RecordApplierServing, ARecordThatStallsKeepsNoPageFromWhoeverHasItFirst) {
  const Bytes block = lz4_block(30);
  Bytes payload(16 * kPageBytes, std::byte{7});
  append(payload, block.data(), block.size());
  const auto stream = record({{8, 16 * kPageBytes, 16, wire::kContentRaw, 0},
                              {30, static_cast<std::uint32_t>(block.size()), 1, kContentLz4, 1},
                              {40, 0, 2, wire::kContentZero, 0}},
                             payload);
  const std::size_t half = stream.size() / 2;
  auto pair = connect_pair();
  ASSERT_TRUE(pair.near.send_all(stream.data(), half).ok());
  Result<RecordApplier::Applied> applied = RecordApplier::Applied{};
  WatchedThread applying([&] {
    const auto header = receive_header(pair.far, wire::RecordType::kPages);
    applied = RecordApplier(arriving_, wire::ContentSet::all()).apply(pair.far, header.value());
  });
  wait_until([&] { return pair.far.bytes_received() >= 4 * 16; });
  applying.wait_until_asleep();  // The table has been read; for the rest of the payload.
  const Bytes demanded(kPageBytes, std::byte{9});
  for (const PageIndex page : {9, 23, 30, 41}) {
    const auto stored = arriving_->store({page, 1}, demanded.data());
    ASSERT_TRUE(stored.ok()) << stored.status().message();
    EXPECT_EQ(stored.value(), 1u) << page;
  }
  ASSERT_TRUE(pair.near.send_all(stream.data() + half, stream.size() - half).ok());
  applying.join();
  ASSERT_TRUE(applied.ok()) << applied.status().message();
  EXPECT_EQ(applied.value().pages, 15u);
  EXPECT_EQ(applied.value().duplicates, 4u);
  EXPECT_EQ(arriving_->pages_missing(), 64u - 19u);
  for (const PageIndex page : {9, 23, 30, 41}) {
    EXPECT_EQ(read_page(*guest_.memory, page), 0x0909090909090909u) << page;
  }
  for (const PageIndex page : {8, 22}) {
    EXPECT_EQ(read_page(*guest_.memory, page), 0x0707070707070707u) << page;
  }
}

INSTANTIATE_TEST_SUITE_P(Backings, RecordApplierServing,
                         ::testing::Values(Backing::kShared, Backing::kPrivate),
                         [](const auto& backing) {
                           return backing.param == Backing::kShared ? "Shared" : "Private";
                         });

TEST(RecordApplier, ARecordThatNamesAPageTwiceIsRefusedBeforeItsPayloadIsRead) {
  const FencedGuest guest({16});
  const auto copying = std::make_shared<ArrivingMemory>(guest.memory());
  const auto complete = std::make_shared<ArrivingMemory>(guest.memory());
  ASSERT_TRUE(complete->complete().ok());
  const wire::TableEntry raw = {5, kPageBytes, 1, wire::kContentRaw, 0};
  const std::vector<std::vector<wire::TableEntry>> tables = {
      {raw, raw},
      {{5, 100, 1, kContentLz4, 1}, raw},
      {{5, 0, 1, wire::kContentZero, 0}, raw},
      {{4, 0, 2, wire::kContentMissing, 0}, raw},
      {{4, 1, 2, wire::kContentMissing, 0}, {5, 0, 1, wire::kContentMissing, 0}},
  };
  for (std::size_t i = 0; i < tables.size(); ++i) {
    std::uint32_t bytes = 0;
    for (const wire::TableEntry& entry : tables[i]) bytes += entry.payload_bytes;
    auto stream = record(tables[i], Bytes(bytes));
    stream.erase(stream.end() - bytes, stream.end());
    EXPECT_EQ(apply_stream(copying, stream).code(), StatusCode::kProtocol) << i;
    EXPECT_EQ(apply_stream(complete, stream).code(), StatusCode::kProtocol) << i;
  }
}

TEST(RecordApplier, ARecordThatCameTooEarlyIsNotAppliedToARunningGuest) {
  if (const auto why = why_no_post_copy(Backing::kPrivate); !why.empty()) GTEST_SKIP() << why;
  const FencedGuest guest({16});
  const auto arriving = std::make_shared<ArrivingMemory>(guest.memory());
  auto pair = connect_pair();
  const auto stream = record({{0, kPageBytes, 1, wire::kContentRaw, 0}}, Bytes(kPageBytes));
  ASSERT_TRUE(pair.near.send_all(stream.data(), stream.size() - 1).ok());
  Status status;
  WatchedThread applying([&] {
    const auto header = receive_header(pair.far, wire::RecordType::kPages);
    status =
        RecordApplier(arriving, wire::ContentSet::all()).apply(pair.far, header.value()).status();
  });
  wait_until([&] { return pair.far.bytes_received() > 0; });
  applying.wait_until_asleep();
  EXPECT_EQ(arriving->start_serving([] {}).code(), StatusCode::kProtocol);
  pair.far.shutdown();
  applying.join();
  EXPECT_EQ(status.code(), StatusCode::kCancelled);
}

// A stream of valid records about random pages.
Bytes random_stream(std::mt19937& random, std::uint64_t page_count, bool with_missing) {
  Bytes stream;
  for (unsigned i = 0; i <= random() % 4; ++i) {
    std::vector<wire::TableEntry> table;
    Bytes payload;
    PageIndex page = random() % page_count;
    for (unsigned j = 0; j <= random() % 6 && page < page_count; page += 1 + random() % 8, ++j) {
      const Bytes block = lz4_block(page);
      const auto length = static_cast<std::uint32_t>(block.size());
      switch (random() % (with_missing ? 4 : 3)) {
        case 0:
          table.push_back({page, kPageBytes, 1, wire::kContentRaw, 0});
          payload.insert(payload.end(), kPageBytes, static_cast<std::byte>(random()));
          break;
        case 1:
          table.push_back({page, 0, 1, wire::kContentZero, 0});
          break;
        case 2:
          table.push_back({page, length, 1, kContentLz4, 1});
          append(payload, block.data(), block.size());
          break;
        default:
          table.push_back({page, 1, 1, wire::kContentMissing, 0});
          payload.push_back(std::byte{1});
      }
    }
    const Bytes one = record(table, payload);
    append(stream, one.data(), one.size());
  }
  return stream;
}

// Most changes hit payload, where they mean little: headers and tables get their share too.
void damage(Bytes& stream, std::mt19937& random) {
  for (unsigned i = 0; i < random() % 4; ++i) {
    const std::size_t reach =
        random() % 2 == 0 ? std::min<std::size_t>(stream.size(), 112) : stream.size();
    stream[random() % reach] = static_cast<std::byte>(random());
  }
  if (random() % 4 == 0) stream.resize(random() % stream.size());
}

void expect_an_end(const Status& ended) {
  ASSERT_TRUE(ended.code() == StatusCode::kProtocol || ended.code() == StatusCode::kPeerClosed)
      << ended.message();
}

TEST(RecordApplierFuzz, DamagedStreamsEndWithAStatusAndWriteNothingOutside) {
  const FencedGuest guest({5, 1, 90});
  const auto arriving = std::make_shared<ArrivingMemory>(guest.memory());
  std::mt19937 random(1);
  int broken = 0;
  for (int i = 0; i < 3000; ++i) {
    Bytes stream = random_stream(random, guest.memory()->page_count(), true);
    damage(stream, random);
    const Status ended = apply_stream(arriving, stream);
    ASSERT_NO_FATAL_FAILURE(expect_an_end(ended));
    if (ended.code() == StatusCode::kProtocol) ++broken;
  }
  EXPECT_GT(broken, 500);
  EXPECT_TRUE(guest.untouched_around());
}

TEST(RecordApplierFuzz, DamagedStreamsWhileServingEndWithAStatus) {
  if (const auto why = why_no_post_copy(Backing::kPrivate); !why.empty()) GTEST_SKIP() << why;
  std::mt19937 random(2);
  for (int i = 0; i < 60; ++i) {
    const FencedGuest fenced({5, 1, 90});
    const TestGuest shared = make_guest(Backing::kShared, {5, 1, 90});
    const auto memory = i % 2 == 0 ? fenced.memory() : shared.memory;
    const auto arriving = std::make_shared<ArrivingMemory>(memory);
    ASSERT_TRUE(arriving->mark_missing({0, 90}).ok());
    ASSERT_TRUE(arriving->start_serving([] {}).ok());
    for (int j = 0; j < 20; ++j) {
      Bytes stream = random_stream(random, memory->page_count(), false);
      damage(stream, random);
      ASSERT_NO_FATAL_FAILURE(expect_an_end(apply_stream(arriving, stream)));
    }
    EXPECT_TRUE(fenced.untouched_around());
  }
}

TEST(RecordApplierFuzz, NoiseEndsWithAStatus) {
  const FencedGuest guest({5, 1, 90});
  const auto arriving = std::make_shared<ArrivingMemory>(guest.memory());
  std::mt19937 random(3);
  for (int i = 0; i < 500; ++i) {
    Bytes stream(random() % 8192);
    for (std::byte& value : stream) value = static_cast<std::byte>(random());
    // Half of them get as far as a table.
    const wire::RecordHeader header = {wire::RecordType::kPages, 4, 8192, 0};
    if (i % 2 == 0 && stream.size() > sizeof(header)) {
      std::memcpy(stream.data(), &header, sizeof(header));
    }
    ASSERT_NO_FATAL_FAILURE(expect_an_end(apply_stream(arriving, stream)));
  }
  EXPECT_TRUE(guest.untouched_around());
}

}  // namespace
}  // namespace pageferry
