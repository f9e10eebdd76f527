#include "channel/record_io.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "channel/channel_test_util.h"
#include "wire/record_reader.h"

namespace pageferry {
namespace {

using wire::RecordHeader;
using wire::RecordType;
using wire::TableEntry;

TEST(RecordIo, ATableIsReadFromTheStreamAndCheckedAtOnce) {
  auto pair = testing::connect_pair();
  const RecordHeader header = {RecordType::kPages, 2, 4096, 0};
  const TableEntry table[] = {{3, 4096, 1, wire::kContentRaw, 0}, {8, 0, 1, wire::kContentZero, 0}};
  ASSERT_TRUE(pair.near.send_all(&header, sizeof(header)).ok());
  ASSERT_TRUE(pair.near.send_all(table, sizeof(table)).ok());
  const auto read = receive_header(pair.far, RecordType::kPages);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read.value().entries, 2u);
  std::vector<TableEntry> entries;
  // No payload was sent: the answer must not wait for it.
  EXPECT_EQ(receive_table(pair.far, read.value(), PageLayout({8}), wire::ContentSet::all(), entries)
                .code(),
            StatusCode::kProtocol);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].page, 3u);
}

TEST(RecordIo, AHeaderOrTableThatIsCutShortSaysPeerClosed) {
  const RecordHeader header = {RecordType::kPages, 2, 0, 0};
  auto first = testing::connect_pair();
  ASSERT_TRUE(first.near.send_all(&header, 15).ok());
  { const SocketStream closing = std::move(first.near); }
  EXPECT_EQ(receive_header(first.far, RecordType::kPages).status().code(), StatusCode::kPeerClosed);
  auto second = testing::connect_pair();
  ASSERT_TRUE(second.near.send_all(&header, sizeof(header)).ok());
  { const SocketStream closing = std::move(second.near); }
  std::vector<TableEntry> entries;
  EXPECT_EQ(
      receive_table(second.far, header, PageLayout({8}), wire::ContentSet::all(), entries).code(),
      StatusCode::kPeerClosed);
}

TEST(RecordIo, OptionalRecordsAreSkippedWholeAndOthersAreNot) {
  auto pair = testing::connect_pair();
  const auto optional = static_cast<RecordType>(wire::kOptionalBit | 9);
  const std::vector<std::byte> body(512 * sizeof(TableEntry) + 70'000, std::byte{0x66});
  std::thread writer([&] {
    for (const RecordHeader& header :
         {RecordHeader{optional, 512, 70'000, 1}, {optional, 0, 0, 2}}) {
      EXPECT_TRUE(pair.near.send_all(&header, sizeof(header)).ok());
      EXPECT_TRUE(pair.near.send_all(body.data(), body_bytes(header)).ok());
    }
    EXPECT_TRUE(send_header(pair.near, sync_record(1)).ok());
  });
  const auto header = receive_header(pair.far, RecordType::kPages);
  writer.join();
  ASSERT_TRUE(header.ok()) << header.status().message();
  EXPECT_EQ(header.value().type, RecordType::kSync);
  EXPECT_EQ(header.value().value, 1u);
}

TEST(RecordIo, AnOptionalRecordThatIsCutShortSaysPeerClosed) {
  auto pair = testing::connect_pair();
  const RecordHeader header = {static_cast<RecordType>(wire::kOptionalBit | 1), 1, 100, 0};
  ASSERT_TRUE(pair.near.send_all(&header, sizeof(header)).ok());
  { const SocketStream closing = std::move(pair.near); }
  EXPECT_EQ(receive_header(pair.far, RecordType::kPages).status().code(), StatusCode::kPeerClosed);
}

}  // namespace
}  // namespace pageferry
