#include "wire/record_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "region/guest_memory.h"
#include "wire/record_test_util.h"

namespace pageferry {
namespace {

using testing::bytes_of;
using testing::parse_records;
using testing::ParsedRecord;

// One record's worth of pages, each filled with its number.
std::vector<std::byte> numbered_pages(std::size_t count) {
  std::vector<std::byte> bytes(count * kPageBytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i / kPageBytes);
  return bytes;
}

ParsedRecord only_record(RecordWriter& writer) {
  auto records = parse_records(bytes_of(writer));
  EXPECT_EQ(records.size(), 1u);
  return records.empty() ? ParsedRecord{} : std::move(records.front());
}

void expect_entry(const wire::TableEntry& entry, PageIndex page, unsigned pages,
                  std::uint8_t content, std::uint32_t payload_bytes) {
  EXPECT_EQ(entry.page, page);
  EXPECT_EQ(entry.pages, pages);
  EXPECT_EQ(entry.content, content);
  EXPECT_EQ(entry.payload_bytes, payload_bytes);
  EXPECT_EQ(entry.members, 0);
}

TEST(RecordWriter, PagesThatFollowEachOtherBecomeOneEntry) {
  const auto bytes = numbered_pages(3);
  RecordWriter writer;
  for (PageIndex page = 0; page < 3; ++page) {
    writer.add_raw(10 + page, bytes.data() + page * kPageBytes, kPageBytes, false);
  }
  const auto record = only_record(writer);
  EXPECT_EQ(record.header.type, wire::RecordType::kPages);
  EXPECT_EQ(record.header.value, 0u);
  ASSERT_EQ(record.table.size(), 1u);
  expect_entry(record.table[0], 10, 3, wire::kContentRaw, 3 * kPageBytes);
  EXPECT_EQ(record.payload, bytes);
}

TEST(RecordWriter, PayloadFollowsTheTableInItsOrderWhereverItLies) {
  const auto bytes = numbered_pages(3);
  RecordWriter writer;
  writer.add_raw(7, bytes.data() + 2 * kPageBytes, kPageBytes, false);
  writer.add_raw(9, bytes.data(), kPageBytes, false);
  writer.add_raw(10, bytes.data() + kPageBytes, kPageBytes, false);
  const auto record = only_record(writer);
  ASSERT_EQ(record.table.size(), 2u);
  expect_entry(record.table[0], 7, 1, wire::kContentRaw, kPageBytes);
  expect_entry(record.table[1], 9, 2, wire::kContentRaw, 2 * kPageBytes);
  ASSERT_EQ(record.payload.size(), 3 * kPageBytes);
  EXPECT_EQ(record.payload[0], std::byte{2});
  EXPECT_EQ(record.payload[kPageBytes], std::byte{0});
  EXPECT_EQ(record.payload[2 * kPageBytes], std::byte{1});
}

TEST(RecordWriter, ARunEndsWhereANewRegionBegins) {
  const auto bytes = numbered_pages(2);
  RecordWriter writer;
  writer.add_raw(4, bytes.data(), kPageBytes, false);
  writer.add_raw(5, bytes.data() + kPageBytes, kPageBytes, true);
  writer.add_zero(6, false);
  writer.add_zero(7, true);
  const auto record = only_record(writer);
  ASSERT_EQ(record.table.size(), 4u);
  for (PageIndex i = 0; i < 4; ++i) {
    EXPECT_EQ(record.table[i].page, 4 + i);
    EXPECT_EQ(record.table[i].pages, 1);
  }
}

TEST(RecordWriter, ARunEndsWhereTheContentChanges) {
  const auto bytes = numbered_pages(1);
  RecordWriter writer;
  writer.add_zero(1, false);
  writer.add_zero(2, false);
  writer.add_raw(3, bytes.data(), kPageBytes, false);
  writer.add_zero(4, false);
  const auto record = only_record(writer);
  ASSERT_EQ(record.table.size(), 3u);
  expect_entry(record.table[0], 1, 2, wire::kContentZero, 0);
  expect_entry(record.table[1], 3, 1, wire::kContentRaw, kPageBytes);
  expect_entry(record.table[2], 4, 1, wire::kContentZero, 0);
}

TEST(RecordWriter, AZeroRunStopsAtTheLargestCountAnEntryCanSay) {
  RecordWriter writer;
  for (PageIndex page = 0; page < 65535 + 10; ++page) writer.add_zero(page, false);
  const auto record = only_record(writer);
  ASSERT_EQ(record.table.size(), 2u);
  expect_entry(record.table[0], 0, 65535, wire::kContentZero, 0);
  expect_entry(record.table[1], 65535, 10, wire::kContentZero, 0);
}

// Puts a block of these members whose encoding is two bytes.
void add_block(RecordWriter& writer, const std::vector<PageIndex>& members, unsigned char mark) {
  const auto head = RecordWriter::block_head(members);
  const auto room = writer.room(head + 2);
  room[head] = std::byte{0xe0};
  room[head + 1] = static_cast<std::byte>(mark);
  writer.add_block(members, wire::kContentLz4, 2);
}

TEST(RecordWriter, ABlockOfNeighboursIsAnEntryAndItsEncoding) {
  RecordWriter writer;
  for (unsigned i = 0; i < 3; ++i) add_block(writer, {20 + 2 * i, 21 + 2 * i}, i);
  EXPECT_EQ(writer.pages()[wire::kContentLz4], 6u);
  const auto record = only_record(writer);
  ASSERT_EQ(record.table.size(), 3u);
  ASSERT_EQ(record.payload.size(), 6u);
  for (unsigned i = 0; i < 3; ++i) {
    const wire::TableEntry& entry = record.table[i];
    EXPECT_EQ(entry.page, 20 + 2 * i);
    EXPECT_EQ(entry.pages, 2);
    EXPECT_EQ(entry.members, 2);
    EXPECT_EQ(entry.content, wire::kContentLz4);
    EXPECT_EQ(record.payload[2 * i + 1], static_cast<std::byte>(i));
  }
}

TEST(RecordWriter, ABlockWithGapsNamesItsMembersByABitmap) {
  RecordWriter writer;
  add_block(writer, {100, 101, 109}, 7);
  const auto record = only_record(writer);
  ASSERT_EQ(record.table.size(), 1u);
  EXPECT_EQ(record.table[0].page, 100u);
  EXPECT_EQ(record.table[0].pages, 10);
  EXPECT_EQ(record.table[0].members, 3);
  EXPECT_EQ(record.payload, (std::vector<std::byte>{std::byte{0x03}, std::byte{0x02},
                                                    std::byte{0xe0}, std::byte{7}}));
}

TEST(RecordWriter, PagesThatRepeatOneWordAreARunAsLongAsItIsTheSame) {
  RecordWriter writer;
  writer.add_fill(4, 0x1111, false);
  writer.add_fill(5, 0x1111, false);
  writer.add_fill(6, 0x2222, false);
  writer.add_fill(8, 0x2222, false);
  const auto record = only_record(writer);
  ASSERT_EQ(record.table.size(), 3u);
  expect_entry(record.table[0], 4, 2, wire::kContentFill, 8);
  expect_entry(record.table[1], 6, 1, wire::kContentFill, 8);
  expect_entry(record.table[2], 8, 1, wire::kContentFill, 8);
  EXPECT_EQ(record.payload.size(), 24u);
}

TEST(RecordWriter, APageThatWasCopiedNeedsNoMemoryButTheRecords) {
  RecordWriter writer;
  for (PageIndex page = 3; page < 5; ++page) {
    std::ranges::fill(writer.room(kPageBytes), static_cast<std::byte>(page));
    writer.add_copied(page, kPageBytes, false);
  }
  const auto record = only_record(writer);
  ASSERT_EQ(record.table.size(), 1u);
  expect_entry(record.table[0], 3, 2, wire::kContentRaw, 2 * kPageBytes);
  EXPECT_EQ(record.payload.front(), std::byte{3});
  EXPECT_EQ(record.payload.back(), std::byte{4});
}

TEST(RecordWriter, MissingRunsCarryTheirBitmapOrNothing) {
  RecordWriter writer;
  const std::array<std::byte, 2> bitmap = {std::byte{0x81}, std::byte{0x01}};
  writer.add_missing({100, 1024}, {});
  writer.add_missing({2000, 9}, bitmap);
  const auto record = only_record(writer);
  ASSERT_EQ(record.table.size(), 2u);
  expect_entry(record.table[0], 100, 1024, wire::kContentMissing, 0);
  expect_entry(record.table[1], 2000, 9, wire::kContentMissing, 2);
  EXPECT_EQ(record.payload, std::vector<std::byte>(bitmap.begin(), bitmap.end()));
}

TEST(RecordWriter, SaysFullBeforeAnyLimitIsBroken) {
  RecordWriter writer;
  PageIndex page = 0;
  // Every second page: no run, so an entry each.
  for (; !writer.full(kPageBytes); page += 2) writer.add_zero(page, false);
  EXPECT_EQ(only_record(writer).table.size(), wire::kMaxEntries);

  const auto bytes = numbered_pages(1);
  for (; !writer.full(kPageBytes); ++page) writer.add_raw(page, bytes.data(), kPageBytes, false);
  EXPECT_LE(writer.payload_bytes(), wire::kMaxPayloadBytes);
  EXPECT_GE(writer.payload_bytes(), 512u << 10);
  EXPECT_EQ(only_record(writer).table.size(), 1u);

  for (; !writer.full(kPageBytes); ++page) {
    const auto room = writer.room(kPageBytes);
    std::fill(room.begin(), room.end(), std::byte{1});
    const PageIndex members[] = {page};
    writer.add_block(members, wire::kContentLz4, kPageBytes - 1);
  }
  const auto encoded = only_record(writer);
  EXPECT_LE(encoded.table.size(), wire::kMaxEntries);
  EXPECT_LE(encoded.header.payload_bytes, wire::kMaxPayloadBytes);
}

TEST(RecordWriter, OnceItIsClearedItStartsWithNothing) {
  const auto bytes = numbered_pages(1);
  RecordWriter writer;
  writer.add_raw(1, bytes.data(), kPageBytes, false);
  EXPECT_EQ(writer.wire_bytes(), 16 + 16 + kPageBytes);
  EXPECT_EQ(bytes_of(writer).size(), 16 + 16 + kPageBytes);
  EXPECT_TRUE(writer.empty());
  writer.add_zero(2, false);
  const auto second = only_record(writer);
  EXPECT_EQ(second.table.size(), 1u);
  EXPECT_TRUE(second.payload.empty());
}

TEST(RecordWriter, ASyncAndARequestAreAHeaderAndNothingElse) {
  const wire::RecordHeader sync = sync_record(77);
  EXPECT_EQ(sync.type, wire::RecordType::kSync);
  EXPECT_EQ(sync.entries, 0);
  EXPECT_EQ(sync.payload_bytes, 0u);
  EXPECT_EQ(sync.value, 77u);
  const wire::RecordHeader request = request_record(13);
  EXPECT_EQ(request.type, wire::RecordType::kRequest);
  EXPECT_EQ(request.value, 13u);
}

}  // namespace
}  // namespace pageferry
