#include "wire/record_reader.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace pageferry {
namespace {

using wire::RecordHeader;
using wire::RecordType;
using wire::TableEntry;

using wire::kContentLz4;

const wire::ContentSet kAllContents = wire::ContentSet::all();

// Regions of 70000, 3 and 10 pages: one is longer than an entry can say.
constexpr std::uint64_t kFirst = 70000;
constexpr std::uint64_t kAll = kFirst + 13;

const PageLayout kLayout({kFirst, kFirst + 3, kAll});

RecordHeader pages_header(std::uint16_t entries, std::uint32_t payload_bytes) {
  return {RecordType::kPages, entries, payload_bytes, 0};
}

struct HeaderCase {
  std::string what;
  RecordHeader header;
  RecordType expected;
  bool accepted;
};

TEST(RecordReader, HeadersAreAcceptedExactlyAsTheDocumentSays) {
  const auto strange = static_cast<RecordType>(4);
  const auto nothing = static_cast<RecordType>(0);
  const auto optional = static_cast<RecordType>(0xffff);
  const auto optional_pages = static_cast<RecordType>(0x8001);
  const HeaderCase cases[] = {
      {"one entry", {RecordType::kPages, 1, 0, 0}, RecordType::kPages, true},
      {"most entries", {RecordType::kPages, 512, 0, 0}, RecordType::kPages, true},
      {"most payload", {RecordType::kPages, 1, 4194304, 0}, RecordType::kPages, true},
      {"no entry", {RecordType::kPages, 0, 0, 0}, RecordType::kPages, false},
      {"an entry too many", {RecordType::kPages, 513, 0, 0}, RecordType::kPages, false},
      {"all entries", {RecordType::kPages, 65535, 0, 0}, RecordType::kPages, false},
      {"a byte too many", {RecordType::kPages, 1, 4194305, 0}, RecordType::kPages, false},
      {"4 GiB", {RecordType::kPages, 1, ~0u, 0}, RecordType::kPages, false},
      {"pages with a value", {RecordType::kPages, 1, 0, 1}, RecordType::kPages, false},
      {"sync", {RecordType::kSync, 0, 0, 7}, RecordType::kPages, true},
      {"sync with an entry", {RecordType::kSync, 1, 0, 7}, RecordType::kPages, false},
      {"sync with payload", {RecordType::kSync, 0, 1, 7}, RecordType::kPages, false},
      {"request", {RecordType::kRequest, 0, 0, ~0ull}, RecordType::kRequest, true},
      {"request with an entry", {RecordType::kRequest, 1, 0, 0}, RecordType::kRequest, false},
      {"request with payload", {RecordType::kRequest, 0, 9, 0}, RecordType::kRequest, false},
      {"request from the source", {RecordType::kRequest, 0, 0, 0}, RecordType::kPages, false},
      {"pages as a request", {RecordType::kPages, 1, 0, 0}, RecordType::kRequest, false},
      {"sync as a request", {RecordType::kSync, 0, 0, 1}, RecordType::kRequest, false},
      {"type 0", {nothing, 0, 0, 0}, RecordType::kPages, false},
      {"type 4", {strange, 0, 0, 0}, RecordType::kPages, false},
      {"type 4 as a request", {strange, 0, 0, 0}, RecordType::kRequest, false},
      {"optional", {optional, 0, 0, 7}, RecordType::kPages, true},
      {"optional on a fault channel", {optional, 1, 1, 7}, RecordType::kRequest, true},
      {"the longest optional", {optional, 512, 4194304, ~0ull}, RecordType::kPages, true},
      {"optional, an entry too many", {optional, 513, 0, 0}, RecordType::kPages, false},
      {"optional, a byte too many", {optional, 0, 4194305, 0}, RecordType::kPages, false},
      {"pages, called optional", {optional_pages, 0, 9, 5}, RecordType::kPages, true},
  };
  for (const HeaderCase& each : cases) {
    const Status status = check_header(each.header, each.expected);
    EXPECT_EQ(status.code(), each.accepted ? StatusCode::kOk : StatusCode::kProtocol) << each.what;
  }
}

struct EntryCase {
  std::string what;
  TableEntry entry;
  bool accepted;
};

TEST(RecordReader, EntriesAreAcceptedExactlyAsTheDocumentSays) {
  using wire::kContentMissing;
  using wire::kContentRaw;
  using wire::kContentZero;
  const EntryCase cases[] = {
      // {page, payload bytes, pages, content, members}
      {"one raw page", {0, 4096, 1, kContentRaw, 0}, true},
      {"1024 raw pages", {5, 4194304, 1024, kContentRaw, 0}, true},
      {"raw, a byte short", {0, 4095, 1, kContentRaw, 0}, false},
      {"raw, a byte more", {0, 4097, 1, kContentRaw, 0}, false},
      {"raw without payload", {0, 0, 1, kContentRaw, 0}, false},
      {"one page's payload for two", {0, 4096, 2, kContentRaw, 0}, false},
      {"a zero page", {0, 0, 1, kContentZero, 0}, true},
      {"65535 zero pages", {0, 0, 65535, kContentZero, 0}, true},
      {"a zero page with payload", {0, 1, 1, kContentZero, 0}, false},
      {"no zero page", {0, 0, 0, kContentZero, 0}, false},
      {"no raw page", {0, 0, 0, kContentRaw, 0}, false},
      {"the guest's last page", {kAll - 1, 0, 1, kContentZero, 0}, true},
      {"the page after the last", {kAll, 0, 1, kContentZero, 0}, false},
      {"the last page there is", {~0ull, 0, 1, kContentZero, 0}, false},
      {"a page whose address overflows", {~0ull / 4096 + 2, 0, 1, kContentZero, 0}, false},
      {"a whole region", {kFirst, 0, 3, kContentZero, 0}, true},
      {"a run over a region's end", {kFirst - 1, 0, 2, kContentZero, 0}, false},
      {"a run over the small region", {kFirst, 0, 4, kContentZero, 0}, false},
      {"a run past the guest's end", {kAll - 1, 0, 2, kContentZero, 0}, false},
      {"raw past the guest's end", {kAll - 1, 8192, 2, kContentRaw, 0}, false},
      {"zero pages with members", {0, 0, 1, kContentZero, 1}, false},
      {"raw pages with members", {0, 4096, 1, kContentRaw, 1}, false},
      {"missing pages with members", {0, 0, 1, kContentMissing, 1}, false},
      {"a block of one page in a byte", {0, 1, 1, kContentLz4, 1}, true},
      {"a block of one page in 4095 bytes", {0, 4095, 1, kContentLz4, 1}, true},
      {"a block as long as its page", {0, 4096, 1, kContentLz4, 1}, false},
      {"a block of nothing", {0, 0, 1, kContentLz4, 1}, false},
      {"a block without members", {0, 100, 1, kContentLz4, 0}, false},
      {"a block of 64 neighbours", {0, 1, 64, wire::kContentZstd, 64}, true},
      {"a block of 65 neighbours", {0, 1, 65, wire::kContentZstd, 65}, false},
      {"a block with more members than pages", {0, 100, 2, kContentLz4, 3}, false},
      {"a bitmap and a byte", {0, 2, 8, kContentLz4, 2}, true},
      {"a bitmap and no encoding", {0, 1, 8, kContentLz4, 2}, false},
      {"a longer bitmap and a byte", {0, 3, 9, kContentLz4, 2}, true},
      {"a bitmap and a byte less than its members", {0, 8192, 8, kContentLz4, 2}, true},
      {"a bitmap and as much as its members", {0, 8193, 8, kContentLz4, 2}, false},
      {"a block over all of a stripe", {1024, 129, 1024, kContentLz4, 2}, true},
      {"a block that leaves its stripe", {1023, 2, 2, kContentLz4, 2}, false},
      {"a block longer than a stripe", {1024, 130, 1025, kContentLz4, 2}, false},
      {"a block over a region's end", {kFirst - 1, 100, 2, kContentLz4, 2}, false},
      {"a delta", {0, 100, 1, wire::kContentZstdDelta, 1}, true},
      {"fill", {0, 8, 9, wire::kContentFill, 0}, true},
      {"fill with a short word", {0, 7, 9, wire::kContentFill, 0}, false},
      {"fill with two words", {0, 16, 9, wire::kContentFill, 0}, false},
      {"missing pages", {0, 0, 65535, kContentMissing, 0}, true},
      {"missing by bitmap", {0, 2, 9, kContentMissing, 0}, true},
      {"a bitmap of whole bytes", {0, 2, 16, kContentMissing, 0}, true},
      {"the longest bitmap", {0, 8192, 65535, kContentMissing, 0}, true},
      {"a bitmap too short", {0, 1, 9, kContentMissing, 0}, false},
      {"a bitmap too long", {0, 3, 9, kContentMissing, 0}, false},
      {"missing over a region's end", {kFirst - 1, 0, 2, kContentMissing, 0}, false},
  };
  for (const EntryCase& each : cases) {
    const TableEntry table[] = {each.entry};
    const Status status =
        check_table(pages_header(1, each.entry.payload_bytes), kLayout, kAllContents, table);
    EXPECT_EQ(status.code(), each.accepted ? StatusCode::kOk : StatusCode::kProtocol) << each.what;
  }
}

TEST(RecordReader, AContentThatWasNotAcceptedIsRefusedAndNoOther) {
  for (unsigned refused = 0; refused < 256; ++refused) {
    wire::ContentSet accepted;
    for (unsigned id = 0; id < 256; ++id) {
      if (id != refused) accepted.add(static_cast<std::uint8_t>(id));
    }
    for (const wire::ContentTraits& content : wire::kContents) {
      std::uint32_t bytes = 0;
      const bool is_block = content.payload == wire::Payload::kBlock;
      if (content.payload == wire::Payload::kPages) bytes = 4096;
      if (content.payload == wire::Payload::kWord) bytes = 8;
      if (is_block) bytes = 100;
      const auto members = static_cast<std::uint8_t>(is_block ? 1 : 0);
      const TableEntry table[] = {{0, bytes, 1, content.id, members}};
      const Status status = check_table(pages_header(1, bytes), kLayout, accepted, table);
      EXPECT_EQ(status.ok(), content.id != refused) << content.name << " without " << refused;
    }
  }
}

TEST(RecordReader, AContentThatIsNotInTheTableIsRefusedWhateverWasAccepted) {
  wire::ContentSet everything;
  for (unsigned id = 0; id < 256; ++id) everything.add(static_cast<std::uint8_t>(id));
  for (unsigned id = 11; id < 255; ++id) {
    const TableEntry table[] = {{0, 100, 1, static_cast<std::uint8_t>(id), 0}};
    EXPECT_EQ(check_table(pages_header(1, 100), kLayout, everything, table).code(),
              StatusCode::kProtocol)
        << id;
  }
}

TEST(RecordReader, EntriesMustAddUpToThePayloadOfTheHeader) {
  const TableEntry table[] = {{0, 4096, 1, wire::kContentRaw, 0},
                              {1, 0, 9, wire::kContentZero, 0},
                              {20, 100, 1, kContentLz4, 1}};
  EXPECT_TRUE(check_table(pages_header(3, 4196), kLayout, kAllContents, table).ok());
  for (const std::uint32_t wrong : {0u, 4096u, 4195u, 4197u}) {
    EXPECT_EQ(check_table(pages_header(3, wrong), kLayout, kAllContents, table).code(),
              StatusCode::kProtocol);
  }
}

TEST(RecordReader, ASumThatWrapsAroundIsNotTakenForTheHeadersPayload) {
  const PageLayout layout({16 * 65535 + 17});
  // Together 4096 bytes more than 2^32.
  std::vector<TableEntry> table;
  for (PageIndex page = 0; page < 16 * 65535; page += 65535) {
    table.push_back({page, 65535u * 4096u, 65535, wire::kContentRaw, 0});
  }
  table.push_back({16 * 65535, 17u * 4096u, 17, wire::kContentRaw, 0});
  EXPECT_EQ(check_table(pages_header(17, 4096), layout, kAllContents, table).code(),
            StatusCode::kProtocol);
}

struct OrderCase {
  std::string what;
  std::vector<TableEntry> table;
  bool accepted;
};

TEST(RecordReader, EntriesMustAscendAndNameNoPageTwice) {
  using wire::kContentMissing;
  using wire::kContentRaw;
  using wire::kContentZero;
  const TableEntry raw5 = {5, 4096, 1, kContentRaw, 0};
  const TableEntry zero5 = {5, 0, 1, kContentZero, 0};
  const TableEntry lz5 = {5, 9, 1, kContentLz4, 1};
  const TableEntry zero_3_to_6 = {3, 0, 4, kContentZero, 0};
  const TableEntry missing_3_to_6 = {3, 0, 4, kContentMissing, 0};
  const TableEntry missing_3_to_10_by_bitmap = {3, 1, 8, kContentMissing, 0};
  const OrderCase cases[] = {
      {"neighbours", {zero_3_to_6, {7, 4096, 1, kContentRaw, 0}}, true},
      {"with a gap", {raw5, {9, 0, 1, kContentZero, 0}}, true},
      {"over a region's end",
       {{kFirst - 1, 0, 1, kContentZero, 0}, {kFirst, 0, 3, kContentZero, 0}},
       true},
      {"twice raw", {raw5, raw5}, false},
      {"lz4, then raw", {lz5, raw5}, false},
      {"a page within a block, member or not",
       {{3, 20, 8, kContentLz4, 2}, {5, 0, 1, kContentZero, 0}},
       false},
      {"zero, then raw", {zero5, raw5}, false},
      {"raw, then zero", {raw5, zero5}, false},
      {"raw, then missing", {raw5, {5, 0, 1, kContentMissing, 0}}, false},
      {"the last page of a run", {zero_3_to_6, {6, 4096, 1, kContentRaw, 0}}, false},
      {"a page within missing ones", {missing_3_to_6, raw5}, false},
      {"a page within a bitmap, set or not",
       {missing_3_to_10_by_bitmap, {10, 0, 1, kContentZero, 0}},
       false},
      {"a run over an earlier page", {raw5, zero_3_to_6}, false},
      {"backwards", {raw5, {4, 0, 1, kContentZero, 0}}, false},
      {"back to an earlier one", {raw5, {9, 0, 1, kContentZero, 0}, zero5}, false},
  };
  for (const OrderCase& each : cases) {
    std::uint32_t sum = 0;
    for (const TableEntry& entry : each.table) sum += entry.payload_bytes;
    const auto header = pages_header(static_cast<std::uint16_t>(each.table.size()), sum);
    EXPECT_EQ(check_table(header, kLayout, kAllContents, each.table).code(),
              each.accepted ? StatusCode::kOk : StatusCode::kProtocol)
        << each.what;
  }
}

// What the checks promise to whoever believes an entry that passed them.
void expect_within(const PageLayout& layout, const TableEntry& entry) {
  ASSERT_LT(entry.page, layout.page_count());
  ASSERT_GT(entry.pages, 0u);
  ASSERT_LE(entry.page + entry.pages, layout.end_of_region(entry.page));
  if (entry.content == wire::kContentRaw) {
    ASSERT_EQ(entry.payload_bytes, entry.pages * kPageBytes);
  } else if (entry.content != wire::kContentZero && entry.content != wire::kContentMissing) {
    ASSERT_LE(entry.payload_bytes, entry.members * kPageBytes + entry.pages / 8 + 1);
    ASSERT_LE(entry.members, wire::kMaxMembers);
    ASSERT_EQ(entry.page / wire::kStripePages, (entry.page + entry.pages - 1) / wire::kStripePages);
  }
}

// Entries that are wrong in at most a field or two find more than pure noise does.
TableEntry random_entry(std::mt19937_64& random) {
  TableEntry entry = {random() % (kAll + 4), 0, static_cast<std::uint16_t>(random() % 20),
                      static_cast<std::uint8_t>(random() % 3), 0};
  if (entry.content == wire::kContentRaw) entry.payload_bytes = entry.pages * 4096u;
  if (entry.content == kContentLz4) entry.members = random() % 4;
  if (entry.content == kContentLz4) entry.payload_bytes = random() % 4200;
  if (random() % 16 == 0) entry.content = wire::kContentMissing;
  if (random() % 8 == 0) {
    auto* bytes = reinterpret_cast<std::uint8_t*>(&entry);
    bytes[random() % sizeof(entry)] = static_cast<std::uint8_t>(random());
  }
  return entry;
}

TEST(RecordReader, NoRandomTableThatPassesPointsOutsideTheGuest) {
  std::mt19937_64 random(20240601);
  std::size_t accepted = 0;
  for (int i = 0; i < 200000; ++i) {
    const TableEntry table[] = {random_entry(random), random_entry(random)};
    const auto sum = table[0].payload_bytes + table[1].payload_bytes;
    const Status status = check_table(pages_header(2, sum), kLayout, kAllContents, table);
    if (!status.ok()) {
      ASSERT_EQ(status.code(), StatusCode::kProtocol);
      continue;
    }
    ++accepted;
    for (const TableEntry& entry : table) ASSERT_NO_FATAL_FAILURE(expect_within(kLayout, entry));
  }
  EXPECT_GT(accepted, 1000u);
}

TEST(RecordReader, NoNoiseIsTakenForATable) {
  std::mt19937_64 random(7);
  std::vector<TableEntry> table(8);
  for (int i = 0; i < 100000; ++i) {
    for (TableEntry& entry : table) {
      const std::uint64_t words[] = {random(), random()};
      std::memcpy(&entry, words, sizeof(entry));
    }
    ASSERT_EQ(check_table(pages_header(8, 100), kLayout, kAllContents, table).code(),
              StatusCode::kProtocol);
  }
}

}  // namespace
}  // namespace pageferry
