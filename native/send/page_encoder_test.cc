#include "send/page_encoder.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "channel/record_io.h"
#include "codec/block_test_util.h"
#include "codec/page_change.h"
#include "net/memory_stream_test_util.h"
#include "receive/record_applier.h"
#include "region/guest_test_util.h"
#include "wire/record_reader.h"
#include "wire/record_test_util.h"

namespace pageferry {
namespace {

using namespace testing;
using Bytes = std::vector<std::byte>;

constexpr std::uint64_t kPlenty = std::uint64_t{64} << 20;
// Regions that begin and end within a stripe, and one that is a single page.
const std::vector<std::uint64_t> kRegions = {1000, 1, 300};

Rung blocks(Encoding encoding, std::uint8_t pages = 16) {
  return {.method = Method::kBlocks, .encoding = encoding, .level = 1, .block_pages = pages};
}

EffortPlan plan(const Rung& rung, Deltas deltas = Deltas::kNone) {
  return {.lower = rung, .upper = rung, .deltas = deltas, .encoders = 0, .queue_units = 16};
}

// Keeps the bytes of every record, as they are when it takes it.
class KeptRecords final : public RecordSink {
 public:
  Status take(RecordWriter& record) override {
    if (before_take) before_take();
    const Bytes bytes = bytes_of(record);
    stream.insert(stream.end(), bytes.begin(), bytes.end());
    return Status();
  }
  std::uint64_t batch_bytes() const override { return batch; }
  Slower slower() const override { return slower_part; }

  Bytes stream;
  std::uint64_t batch = 1 << 20;
  Slower slower_part = Slower::kLink;
  std::function<void()> before_take;
};

// A source's encoder, and the guest that its records are applied to.
class Encoded {
 public:
  explicit Encoded(const EffortPlan& effort, std::uint64_t version_bytes = kPlenty,
                   const std::vector<std::uint64_t>& regions = kRegions)
      : source_(make_guest(Backing::kShared, regions)),
        destination_(make_guest(Backing::kShared, regions)),
        pages_(source_.memory, effort, version_bytes),
        encoder_(pages_),
        applier_(std::make_shared<ArrivingMemory>(destination_.memory), wire::ContentSet::all()) {}

  const GuestMemory& source() const { return *source_.memory; }
  const GuestMemory& destination() const { return *destination_.memory; }
  SourcePages& pages() { return pages_; }
  PageEncoder& encoder() { return encoder_; }
  KeptRecords& sink() { return sink_; }

  void write(PageIndex page, std::span<const std::byte> bytes) const {
    std::ranges::copy(bytes, source_.memory->engine_page(page));
  }
  void add(PageIndex page, bool comes_again = false) {
    const Status added = encoder_.add_page(source_.memory->region_of(page), page, comes_again);
    ASSERT_TRUE(added.ok()) << added.message();
  }
  // What the encoder makes of these pages; each record is right, and is applied to the other guest.
  std::vector<ParsedRecord> send(const std::vector<PageIndex>& pages, Use use = Use::kLive,
                                 std::optional<PageIndex> comes_again = std::nullopt) {
    sink_.stream.clear();
    encoder_.begin(sink_, use);
    for (const PageIndex page : pages) add(page, page == comes_again);
    EXPECT_TRUE(encoder_.flush().ok());
    apply();
    return parse_records(sink_.stream);
  }
  void expect_same(const std::vector<PageIndex>& pages) const {
    for (const PageIndex page : pages) {
      const auto* at = source_.memory->engine_page(page);
      EXPECT_TRUE(std::equal(at, at + kPageBytes, destination_.memory->engine_page(page))) << page;
    }
  }

 private:
  void apply() {
    MemoryStream stream(sink_.stream);
    while (!stream.left().empty()) {
      const auto header = receive_header(stream, wire::RecordType::kPages);
      ASSERT_TRUE(header.ok()) << header.status().message();
      const auto applied = applier_.apply(stream, header.value());
      ASSERT_TRUE(applied.ok()) << applied.status().message();
    }
  }

  const TestGuest source_;
  const TestGuest destination_;
  SourcePages pages_;
  PageEncoder encoder_;
  KeptRecords sink_;
  RecordApplier applier_;
};

std::vector<PageIndex> range(PageIndex first, PageIndex end) {
  std::vector<PageIndex> pages;
  for (PageIndex page = first; page < end; ++page) pages.push_back(page);
  return pages;
}

std::vector<wire::TableEntry> entries_of(const std::vector<ParsedRecord>& records) {
  std::vector<wire::TableEntry> entries;
  for (const ParsedRecord& record : records) {
    entries.insert(entries.end(), record.table.begin(), record.table.end());
  }
  return entries;
}

std::uint64_t pages_as(const std::vector<ParsedRecord>& records, std::uint8_t content) {
  std::uint64_t pages = 0;
  for (const wire::TableEntry& entry : entries_of(records)) {
    if (entry.content == content) pages += wire::pages_brought(entry);
  }
  return pages;
}

// The content that each page was sent as, in the order of the pages.
std::vector<std::uint8_t> contents_by_page(const std::vector<ParsedRecord>& records,
                                           std::uint64_t page_count) {
  std::vector<std::uint8_t> contents(page_count, wire::kContentMissing);
  for (const wire::TableEntry& entry : entries_of(records)) {
    std::fill_n(contents.begin() + static_cast<std::ptrdiff_t>(entry.page), entry.pages,
                entry.content);
  }
  return contents;
}

// Pages of the kinds that an encoder tells apart. Made once: random bytes take long under a sanitizer.
class SomePages {
 public:
  explicit SomePages(Random& random) {
    for (int i = 0; i < 8; ++i) {
      for (const Bytes& page :
           {Bytes(kPageBytes), Bytes(kPageBytes, static_cast<std::byte>(1 + i % 3)),
            noise(random, kPageBytes), words(random, kPageBytes), text(random, kPageBytes),
            text(random, kPageBytes)}) {
        pages_.push_back(page);
      }
    }
  }
  const Bytes& any(Random& random) const { return pages_[random() % pages_.size()]; }

 private:
  std::vector<Bytes> pages_;
};

struct Mixture {
  Rung rung;
  Deltas deltas;
  std::uint64_t version_bytes;
};

class PageEncoderMixtures : public ::testing::TestWithParam<Mixture> {};

// The applier refuses a record whose entries do not ascend or lie within one another, and a delta without a base.
TEST_P(PageEncoderMixtures, EveryRecordIsRightAndThePagesArriveWhateverTheyHold) {
  const auto [rung, deltas, version_bytes] = GetParam();
  Encoded encoded(plan(rung, deltas), version_bytes);
  Random random(11);
  const SomePages some(random);
  const std::uint64_t count = encoded.source().page_count();
  for (int round = 0; round < 6; ++round) {
    std::vector<PageIndex> sent;
    for (PageIndex page = 0; page < count; page += 1 + random() % 4) {
      if (round > 0 && random() % 2 == 0) {
        // A few words of it change.
        for (int i = 0; i < 4; ++i) {
          guest_word(encoded.source(), page, random() % kWordsPerPage) = random();
        }
      } else {
        encoded.write(page, some.any(random));
      }
      sent.push_back(page);
    }
    encoded.sink().batch = round % 2 == 0 ? 1 << 20 : 20'000;
    encoded.sink().slower_part =
        std::array{Slower::kLink, Slower::kEncoders, Slower::kUnknown}[round % 3];
    const auto records = encoded.send(sent, round == 0   ? Use::kFirst
                                            : round == 5 ? Use::kFinal
                                                         : Use::kLive);
    std::uint64_t brought = 0;
    for (const wire::TableEntry& entry : entries_of(records)) brought += wire::pages_brought(entry);
    EXPECT_EQ(brought, sent.size());
    encoded.expect_same(sent);
    EXPECT_LE(encoded.pages().versions.bytes_held(), version_bytes);
  }
  const ClassStats totals = encoded.pages().encoded.read();
  const auto as_deltas = totals[wire::kContentZstdDelta].pages +
                         totals[wire::kContentLz4Delta].pages + totals[wire::kContentXbzrle].pages;
  EXPECT_EQ(as_deltas > 0, deltas != Deltas::kNone && version_bytes > 0);
}

INSTANTIATE_TEST_SUITE_P(
    Efforts, PageEncoderMixtures,
    ::testing::Values(Mixture{{}, Deltas::kNone, 0}, Mixture{{}, Deltas::kXbzrle, kPlenty},
                      Mixture{blocks(Encoding::kLz4), Deltas::kLz4, kPlenty},
                      Mixture{blocks(Encoding::kZstd), Deltas::kZstd, kPlenty},
                      Mixture{blocks(Encoding::kZstd), Deltas::kZstd, 300'000},
                      Mixture{blocks(Encoding::kZstd, 64), Deltas::kXbzrle, kPlenty},
                      Mixture{blocks(Encoding::kZstd, 64), Deltas::kByChange, kPlenty},
                      Mixture{blocks(Encoding::kLz4), Deltas::kByChange, 300'000},
                      Mixture{blocks(Encoding::kWkdm64), Deltas::kZstd, kPlenty},
                      Mixture{blocks(Encoding::kLz4, 1), Deltas::kLz4, 200'000},
                      Mixture{blocks(Encoding::kLz4), Deltas::kLz4, 0},
                      Mixture{{.method = Method::kMecom}, Deltas::kNone, 0},
                      Mixture{{.method = Method::kMecom}, Deltas::kXbzrle, kPlenty}));

TEST(PageEncoder, ABlockEndsWithItsRegionAndWithItsStripe) {
  Encoded encoded(plan(blocks(Encoding::kLz4)));
  Random random(1);
  const auto sent = range(990, 1040);
  for (const PageIndex page : sent) encoded.write(page, text(random, kPageBytes));
  std::vector<PageRange> runs;
  for (const wire::TableEntry& entry : entries_of(encoded.send(sent))) {
    EXPECT_EQ(entry.content, wire::kContentLz4);
    EXPECT_EQ(entry.members, entry.pages);
    runs.push_back({entry.page, entry.pages});
  }
  // Regions begin with pages 0, 1000 and 1001, stripes with 0 and 1024.
  const std::vector<PageRange> expected = {{990, 10}, {1000, 1}, {1001, 16}, {1017, 7}, {1024, 16}};
  ASSERT_EQ(runs.size(), expected.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    EXPECT_EQ(runs[i].first, expected[i].first);
    EXPECT_EQ(runs[i].count, expected[i].count);
  }
  encoded.expect_same(sent);
}

// Blocks of one page each; what each was sent as.
std::string attempts(const std::string& contents) {
  Encoded encoded(plan(blocks(Encoding::kLz4, 1)), 0, {1000});
  Random random(2);
  std::vector<PageIndex> sent;
  for (const char content : contents) {
    const PageIndex page = sent.size();
    encoded.write(page, content == 'n' ? noise(random, kPageBytes) : text(random, kPageBytes));
    sent.push_back(page);
  }
  const auto by_page = contents_by_page(encoded.send(sent), sent.size());
  encoded.expect_same(sent);
  std::string made;
  for (const std::uint8_t content : by_page) made += content == wire::kContentLz4 ? 't' : 'r';
  return made;
}

TEST(PageEncoder, AfterBlocksThatDidNotShrinkOneThenThreeThenSevenAreNotTried) {
  EXPECT_EQ(attempts("ttntttt"), "ttrrttt");
  EXPECT_EQ(attempts("nxntttttt"), "rrrrrrttt");
  EXPECT_EQ(attempts("nxnxxxnttttttttt"), "rrrrrrrrrrrrrrtt");
  // No more than seven, however many did not shrink.
  EXPECT_EQ(attempts("nxnxxxnxxxxxxxnttttttttt"), std::string(22, 'r') + "tt");
  // One that shrinks ends the row.
  EXPECT_EQ(attempts("nxntttttnttt"), "rrrrrrttrrtt");
}

TEST(PageEncoder, ADeltaThatIsNoGainIsSentAsABlockWithoutABaseWhichIsTheNextBase) {
  Encoded encoded(plan(blocks(Encoding::kLz4), Deltas::kXbzrle));
  Random random(3);
  const auto sent = range(5, 21);
  for (const PageIndex page : sent) encoded.write(page, text(random, kPageBytes));
  EXPECT_EQ(pages_as(encoded.send(sent), wire::kContentLz4), 16u);
  // Nothing of the pages stays as it was.
  for (const PageIndex page : sent) encoded.write(page, Bytes(text(random, kPageBytes)));
  EXPECT_EQ(pages_as(encoded.send(sent), wire::kContentLz4), 16u);
  encoded.expect_same(sent);
  for (const PageIndex page : sent) guest_word(encoded.source(), page, 9) = page;
  EXPECT_EQ(pages_as(encoded.send(sent), wire::kContentXbzrle), 16u);
  encoded.expect_same(sent);
}

TEST(PageEncoder, ByChangeAPageThatChangedLittleGoesAsXbzrleUnlessTheLinkIsTheSlowerPart) {
  Encoded encoded(plan(blocks(Encoding::kZstd), Deltas::kByChange));
  Random random(11);
  const auto sent = range(5, 25);
  for (const PageIndex page : sent) encoded.write(page, text(random, kPageBytes));
  EXPECT_EQ(pages_as(encoded.send(sent), wire::kContentZstd), 20u);
  // Every second page changes by as many words as are few, the others by one more.
  const auto change = [&] {
    for (const PageIndex page : sent) {
      const std::size_t words = kFewChangedWords + page % 2;
      for (std::size_t i = 0; i < words; ++i) guest_word(encoded.source(), page, 3 * i) += 1;
    }
  };
  encoded.sink().slower_part = Slower::kEncoders;
  change();
  const auto by_change = encoded.send(sent);
  EXPECT_EQ(pages_as(by_change, wire::kContentXbzrle), 10u);
  EXPECT_EQ(pages_as(by_change, wire::kContentZstdDelta), 10u);
  encoded.expect_same(sent);
  encoded.sink().slower_part = Slower::kLink;
  change();
  EXPECT_EQ(pages_as(encoded.send(sent), wire::kContentZstdDelta), 20u);
  encoded.expect_same(sent);
}

TEST(PageEncoder, ADeltaThatIsNoGainIsSentAsItIsWherePagesAreNotEncodedOtherwise) {
  Encoded encoded(plan({}, Deltas::kXbzrle));
  Random random(4);
  encoded.write(3, noise(random, kPageBytes));
  EXPECT_EQ(pages_as(encoded.send({3}), wire::kContentRaw), 1u);
  encoded.write(3, noise(random, kPageBytes));
  EXPECT_EQ(pages_as(encoded.send({3}), wire::kContentRaw), 1u);
  guest_word(encoded.source(), 3, 100) = 1;
  // The block of deltas after one that did not shrink is not tried.
  EXPECT_EQ(pages_as(encoded.send({3}), wire::kContentRaw), 1u);
  guest_word(encoded.source(), 3, 100) = 2;
  EXPECT_EQ(pages_as(encoded.send({3}), wire::kContentXbzrle), 1u);
  encoded.expect_same({3});
}

// Both what was kept and what is sent are the bytes that the encoder has copied, though the guest writes on.
TEST(PageEncoder, WhereVersionsAreKeptAPageThatIsSentAsItIsIsTheOneThatIsKept) {
  for (const Rung& rung : {Rung{}, blocks(Encoding::kLz4)}) {
    Encoded encoded(plan(rung, Deltas::kXbzrle));
    Random random(5);
    const Bytes sent = noise(random, kPageBytes);
    encoded.write(7, sent);
    encoded.sink().before_take = [&] { guest_word(encoded.source(), 7, 0) = 42; };
    const auto records = encoded.send({7});
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(records[0].table[0].content, wire::kContentRaw);
    EXPECT_TRUE(records[0].payload == sent) << "what was sent is not what was read";
    VersionReader reader;
    const std::byte* kept = encoded.pages().versions.find(7, reader);
    ASSERT_NE(kept, nullptr);
    EXPECT_TRUE(std::ranges::equal(std::span(kept, kPageBytes), sent));
  }
}

TEST(PageEncoder, WithoutVersionsAPageLeavesFromTheGuestsOwnMemoryAndIsNoBase) {
  for (const Rung& rung : {Rung{}, blocks(Encoding::kLz4)}) {
    Encoded encoded(plan(rung));
    encoded.pages().versions.keep_page(7, Bytes(kPageBytes, std::byte{1}));
    Random random(6);
    encoded.write(7, noise(random, kPageBytes));
    encoded.sink().before_take = [&] { guest_word(encoded.source(), 7, 0) = 42; };
    const auto records = encoded.send({7});
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(records[0].table[0].content, wire::kContentRaw);
    EXPECT_EQ(records[0].payload[0], std::byte{42});
    EXPECT_FALSE(encoded.pages().versions.has(7));
  }
}

TEST(PageEncoder, ABlockThatIsSentWhileNoDeltasAreMadeLeavesNoOldVersion) {
  Encoded encoded(plan(blocks(Encoding::kLz4), Deltas::kLz4));
  Random random(7);
  encoded.write(7, text(random, kPageBytes));
  encoded.send({7});
  ASSERT_TRUE(encoded.pages().versions.has(7));
  encoded.pages().effort.set(plan(blocks(Encoding::kLz4)));
  encoded.write(7, text(random, kPageBytes));
  encoded.send({7});
  EXPECT_FALSE(encoded.pages().versions.has(7));
}

TEST(PageEncoder, APushMakesNoDeltasAndNobodyWhoWaitsWaitsForLongBlocks) {
  Encoded encoded(plan(blocks(Encoding::kZstd, 64), Deltas::kZstd));
  Random random(8);
  const auto sent = range(0, 200);
  for (const PageIndex page : sent) encoded.write(page, text(random, kPageBytes));
  const auto longest = [](const std::vector<ParsedRecord>& records) {
    std::uint8_t members = 0;
    for (const auto& entry : entries_of(records)) members = std::max(members, entry.members);
    return members;
  };
  EXPECT_EQ(longest(encoded.send(sent, Use::kLive)), 64);
  const auto last = encoded.send(sent, Use::kFinal);
  EXPECT_EQ(longest(last), 16);
  EXPECT_EQ(pages_as(last, wire::kContentZstdDelta), sent.size());
  const auto pushed = encoded.send(sent, Use::kPush);
  EXPECT_EQ(longest(pushed), 16);
  EXPECT_EQ(pages_as(pushed, wire::kContentZstd), sent.size());
}

// Other threads may let the versions go while it is under way.
TEST(PageEncoder, APushLeavesTheVersionsAsTheyAre) {
  for (const Rung& rung : {Rung{}, blocks(Encoding::kZstd)}) {
    Encoded encoded(plan(blocks(Encoding::kZstd), Deltas::kZstd));
    Random random(13);
    const auto sent = range(0, 24);
    for (const PageIndex page : sent) encoded.write(page, text(random, kPageBytes));
    encoded.send(sent);
    encoded.write(3, Bytes(kPageBytes));
    encoded.write(4, Bytes(kPageBytes, std::byte{3}));
    encoded.write(5, noise(random, kPageBytes));
    const std::uint64_t held = encoded.pages().versions.bytes_held();
    encoded.pages().effort.set(plan(rung, Deltas::kZstd));
    encoded.send(sent, Use::kPush);
    encoded.expect_same(sent);
    EXPECT_EQ(encoded.pages().versions.bytes_held(), held);
    for (const PageIndex page : sent) EXPECT_TRUE(encoded.pages().versions.has(page)) << page;
  }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
std::size_t bytes_allocated() {
  const auto all = mallinfo2();
  return all.uordblks + all.hblkhd;
}

// Takes records and has no need of memory for it.
class NoRecords final : public RecordSink {
 public:
  Status take(RecordWriter& record) override {
    most_allocated = std::max(most_allocated, bytes_allocated());
    (void)record.parts();
    record.clear();
    return Status();
  }
  std::uint64_t batch_bytes() const override { return 1 << 20; }
  Slower slower() const override { return Slower::kLink; }

  std::size_t most_allocated = 0;
};

TEST(PageEncoder, APushNeedsNoMemoryThatWasNotThereBefore) {
  for (const Rung& rung : {Rung{}, Rung{.method = Method::kMecom}, blocks(Encoding::kLz4),
                           blocks(Encoding::kZstd), blocks(Encoding::kWkdm64)}) {
    Encoded encoded(plan(rung));
    Random random(14);
    const auto sent = range(0, 600);
    for (const PageIndex page : sent) {
      const Bytes bytes = page % 3 == 0 ? noise(random, kPageBytes)
                          : page % 3 == 1
                              ? text(random, kPageBytes)
                              : Bytes(kPageBytes, std::byte{static_cast<std::uint8_t>(page)});
      encoded.write(page, bytes);
    }
    NoRecords records;
    encoded.encoder().prepare_for_push();
    const std::size_t before = bytes_allocated();
    encoded.encoder().begin(records, Use::kPush);
    for (const PageIndex page : sent) encoded.add(page);
    ASSERT_TRUE(encoded.encoder().flush().ok());
    EXPECT_EQ(records.most_allocated, before);
    EXPECT_EQ(bytes_allocated(), before);
  }
}
#endif

TEST(PageEncoder, APageThatIsSentAsZeroOrAsOneWordHasNoVersionAfterwards) {
  for (const auto& [bytes, content] :
       {std::pair(Bytes(kPageBytes), wire::kContentZero),
        std::pair(Bytes(kPageBytes, std::byte{3}), wire::kContentFill)}) {
    Encoded encoded(plan(blocks(Encoding::kZstd), Deltas::kZstd));
    Random random(9);
    encoded.write(4, text(random, kPageBytes));
    encoded.send({4});
    ASSERT_TRUE(encoded.pages().versions.has(4));
    EXPECT_FALSE(encoded.encoder().lacks_version(4));
    encoded.write(4, bytes);
    EXPECT_EQ(pages_as(encoded.send({4}), content), 1u);
    EXPECT_FALSE(encoded.pages().versions.has(4));
    EXPECT_TRUE(encoded.encoder().lacks_version(4));
    encoded.write(4, text(random, kPageBytes));
    EXPECT_EQ(pages_as(encoded.send({4}), wire::kContentZstd), 1u);
    encoded.expect_same({4});
  }
}

TEST(PageEncoder, APageLacksAVersionOnlyWhereOneCouldBeKept) {
  Encoded without(plan(blocks(Encoding::kZstd), Deltas::kZstd), 0);
  without.encoder().begin(without.sink(), Use::kLive);
  EXPECT_FALSE(without.encoder().lacks_version(1));
  Encoded full(plan(blocks(Encoding::kZstd), Deltas::kZstd), kPageBytes - 1);
  full.encoder().begin(full.sink(), Use::kLive);
  EXPECT_FALSE(full.encoder().lacks_version(1));
  Encoded none(plan(blocks(Encoding::kZstd)));
  none.encoder().begin(none.sink(), Use::kLive);
  EXPECT_FALSE(none.encoder().lacks_version(1));
  none.pages().effort.set(plan(blocks(Encoding::kZstd), Deltas::kZstd));
  EXPECT_TRUE(none.encoder().lacks_version(1));
  none.encoder().begin(none.sink(), Use::kPush);
  EXPECT_FALSE(none.encoder().lacks_version(1));
}

// Two blocks of 16 pages, and where pages do not shrink two of single pages.
TEST(PageEncoder, InTheFirstRoundBlocksGetVersionsWhereOnePageComesAgainOrTheEncodersHaveTime) {
  for (const bool shrink : {true, false}) {
    for (const Slower slower : {Slower::kUnknown, Slower::kLink, Slower::kEncoders}) {
      for (const Use use : {Use::kFirst, Use::kLive}) {
        Encoded encoded(plan(blocks(Encoding::kZstd), Deltas::kZstd));
        Random random(21);
        for (const PageIndex page : range(0, 32)) {
          encoded.write(page, shrink ? text(random, kPageBytes) : noise(random, kPageBytes));
        }
        encoded.sink().slower_part = slower;
        encoded.send(range(0, 32), use, 20);
        encoded.expect_same(range(0, 32));
        const bool all = use == Use::kLive || slower != Slower::kEncoders;
        for (const PageIndex page : range(0, 32)) {
          EXPECT_EQ(encoded.pages().versions.has(page), all || page >= 16) << page;
        }
      }
    }
  }
}

TEST(PageEncoder, AFinalRoundUsesVersionsAndLeavesNone) {
  Encoded encoded(plan(blocks(Encoding::kZstd), Deltas::kXbzrle));
  Random random(22);
  const auto sent = range(0, 40);
  for (const PageIndex page : sent) encoded.write(page, text(random, kPageBytes));
  encoded.send(range(0, 20));
  for (const PageIndex page : sent) guest_word(encoded.source(), page, 7) = random();
  const auto records = encoded.send(sent, Use::kFinal);
  EXPECT_EQ(pages_as(records, wire::kContentXbzrle), 20u);
  encoded.expect_same(sent);
  for (const PageIndex page : sent) EXPECT_FALSE(encoded.pages().versions.has(page)) << page;
}

TEST(PageEncoder, TheRungIsTheUpperOneExactlyWhileTheLinkIsTheSlowerPart) {
  EffortPlan two = plan(blocks(Encoding::kLz4));
  two.upper = blocks(Encoding::kZstd);
  Encoded encoded(two, 0);
  Random random(10);
  for (const PageIndex page : {1, 2}) encoded.write(page, text(random, kPageBytes));
  encoded.sink().slower_part = Slower::kEncoders;
  EXPECT_EQ(pages_as(encoded.send({1, 2}), wire::kContentLz4), 2u);
  encoded.sink().slower_part = Slower::kLink;
  EXPECT_EQ(pages_as(encoded.send({1, 2}), wire::kContentZstd), 2u);
  const ClassStats totals = encoded.pages().encoded.read();
  EXPECT_EQ(totals.zstd_level(1).pages, 2u);
  EXPECT_EQ(totals.zstd_level(1).bytes_out, totals[wire::kContentZstd].bytes_out);
}

TEST(PageEncoder, ARecordIsPassedOnOnceItHoldsABatch) {
  Encoded encoded(plan({}), 0);
  Random random(12);
  const auto sent = range(0, 64);
  for (const PageIndex page : sent) encoded.write(page, noise(random, kPageBytes));
  encoded.sink().batch = 4 * kPageBytes;
  const auto records = encoded.send(sent);
  EXPECT_EQ(records.size(), 16u);
  for (const ParsedRecord& record : records) EXPECT_EQ(record.payload.size(), 4 * kPageBytes);
}

// What was missing of a run is named by it, and nothing else is.
TEST(PageEncoder, MissingPagesAreARunOrABitmapAndNothingWhereNoneIs) {
  Encoded encoded(plan({}), 0);
  PageBitmap missing(encoded.source().page_count());
  missing.set_range({0, 8});
  missing.set(20);
  encoded.encoder().begin(encoded.sink(), Use::kFinal);
  for (const PageRange run : {PageRange{0, 8}, PageRange{9, 9}, PageRange{18, 4}}) {
    ASSERT_TRUE(encoded.encoder().add_missing(run, missing).ok());
  }
  ASSERT_TRUE(encoded.encoder().flush().ok());
  const auto records = parse_records(encoded.sink().stream);
  ASSERT_EQ(records.size(), 1u);
  ASSERT_EQ(records[0].table.size(), 2u);
  EXPECT_EQ(records[0].table[0].payload_bytes, 0u);
  EXPECT_EQ(records[0].table[1].page, 18u);
  EXPECT_EQ(records[0].payload, Bytes{std::byte{0b100}});
}

}  // namespace
}  // namespace pageferry
