// test/vectors/v2 holds what version 2 of the protocol looks like on the wire, byte for byte. What was
// written once is read for ever, and what is written must not change without a new version.
//
// With PAGEFERRY_WRITE_VECTORS=1 the writer's half writes the files instead of comparing with them.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include "channel/greeting.h"
#include "send/ferry_test_util.h"
#include "send/page_server.h"
#include "wire/record_reader.h"
#include "wire/record_test_util.h"
#include "wire/record_writer.h"

namespace pageferry {
namespace {

using namespace testing;

constexpr auto kPatience = std::chrono::seconds(120);
using Bytes = std::vector<std::byte>;

const std::vector<std::uint64_t> kRegions = {12, 4};
constexpr std::array<std::uint8_t, 16> kId = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

// As README.md there says: byte i of page p in version v.
std::byte byte_of(PageIndex page, unsigned version, std::size_t i) {
  return static_cast<std::byte>((page * 7 + version * 13 + i) % 251);
}

Bytes page_of(PageIndex page, unsigned version) {
  Bytes bytes(kPageBytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = byte_of(page, version, i);
  return bytes;
}

std::filesystem::path path_of(const std::string& name) {
  const auto native = std::filesystem::path(__FILE__).parent_path().parent_path();
  return native.parent_path() / "test" / "vectors" / "v2" / name;
}

Bytes read_vector(const std::string& name) {
  std::ifstream file(path_of(name), std::ios::binary);
  EXPECT_TRUE(file.good()) << path_of(name);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

void expect_written(const std::string& name, const Bytes& written) {
  if (std::getenv("PAGEFERRY_WRITE_VECTORS") != nullptr) {
    std::ofstream(path_of(name), std::ios::binary)
        .write(reinterpret_cast<const char*>(written.data()),
               static_cast<std::streamsize>(written.size()));
    return;
  }
  EXPECT_TRUE(written == read_vector(name)) << name << " is not what the writer writes now";
}

// One LZ4 block that decodes to a page of 'F': a literal, a match of 4090 bytes at distance 1, and the
// five literals that a block ends with. By hand, so that no LZ4 library's choices are in the file.
Bytes lz4_page_of_f() {
  Bytes block = {std::byte{0x1f}, std::byte{'F'}, std::byte{1}, std::byte{0}};
  const unsigned length = 4090 - 4 - 15;
  block.insert(block.end(), length / 255, std::byte{255});
  block.push_back(static_cast<std::byte>(length % 255));
  block.push_back(std::byte{0x50});
  block.insert(block.end(), 5, std::byte{'F'});
  return block;
}

void write_round(SocketStream& socket) {
  const Bytes memory[] = {page_of(2, 1), page_of(3, 1), page_of(11, 1), page_of(12, 1)};
  Bytes pair = memory[0];
  pair.insert(pair.end(), memory[1].begin(), memory[1].end());
  RecordWriter writer;
  writer.add_raw(2, pair.data(), kPageBytes, false);
  writer.add_raw(3, pair.data() + kPageBytes, kPageBytes, false);
  for (PageIndex page = 5; page < 9; ++page) writer.add_zero(page, false);
  writer.add_raw(11, memory[2].data(), kPageBytes, false);
  writer.add_raw(12, memory[3].data(), kPageBytes, true);
  ASSERT_TRUE(send_record(socket, writer).ok());
  ASSERT_TRUE(send_sync(socket, 1).ok());
  const Bytes again = page_of(3, 2);
  writer.add_zero(2, false);
  writer.add_raw(3, again.data(), kPageBytes, false);
  ASSERT_TRUE(send_record(socket, writer).ok());
  ASSERT_TRUE(send_sync(socket, 2).ok());
}

void write_lz4(SocketStream& socket) {
  const Bytes block = lz4_page_of_f();
  RecordWriter writer;
  for (const PageIndex page : {4, 5}) {
    std::ranges::copy(block, writer.room(kPageBytes).begin());
    writer.add_block(std::span(&page, 1), wire::kContentLz4, block.size());
  }
  ASSERT_TRUE(send_record(socket, writer).ok());
  ASSERT_TRUE(send_sync(socket, 1).ok());
}

Bytes hex(std::initializer_list<unsigned> values) {
  Bytes bytes;
  for (const unsigned value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

// Zeros, but for some bytes.
Bytes with_bytes(std::size_t length, std::initializer_list<std::pair<std::size_t, Bytes>> parts) {
  Bytes bytes(length);
  for (const auto& [at, part] : parts) {
    std::ranges::copy(part, bytes.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return bytes;
}

// As a block of a page-wise encoding has them: the length of each member before it.
Bytes page_wise(std::initializer_list<Bytes> members) {
  Bytes bytes;
  for (const Bytes& member : members) {
    bytes.push_back(static_cast<std::byte>(member.size() % 256));
    bytes.push_back(static_cast<std::byte>(member.size() / 256));
    bytes.insert(bytes.end(), member.begin(), member.end());
  }
  return bytes;
}

// The encodings below are those of docs/encodings.md, or follow from what stands there, so that no encoder's choices are in
// the file.
const Bytes kSparse =
    with_bytes(80, {{0, hex({0x02})}, {63, hex({0x80})}, {64, hex({1, 2, 3})}, {79, hex({0xff})}});
const Bytes kWkdm64 = with_bytes(142, {{0, hex({0x4b, 0x02})},
                                       {128, hex({0x60, 0x40, 0x20, 0x10, 0x3a, 0x7f})},
                                       {136, hex({0x88, 0x40, 0x2a, 0x00, 0xdd, 0x00})}});
const Bytes kWkdm32 = with_bytes(
    265, {{0, hex({0x4b, 0x02})}, {256, hex({0x60, 0x40, 0x20, 0x10, 0x88, 0xa8, 0x00, 0x88})}});
const Bytes kZstd = hex({0x00, 0x10, 0x03, 0x80, 0x00, 0x46});
// The page's first byte is X, and the others are those of the base.
const Bytes kZstdDelta =
    hex({0x00, 0x18, 0x55, 0x00, 0x00, 0x08, 0x58, 0x01, 0x00, 0xfc, 0x1f, 0x00, 0xff, 0x08, 0x01});
// 16 bytes as in the base, then two that are not.
const Bytes kXbzrle = hex({16, 2, 0xaa, 0xbb});

// As lz4_page_of_f(), but the first byte is X and the match is in the base.
Bytes lz4_delta_of_f() {
  Bytes block = lz4_page_of_f();
  block[1] = std::byte{'X'};
  block[2] = std::byte{0x00};
  block[3] = std::byte{0x10};
  return block;
}

void put_block(RecordWriter& writer, std::initializer_list<PageIndex> members, std::uint8_t content,
               const Bytes& encoding) {
  const std::vector<PageIndex> pages = members;
  const std::uint64_t head = RecordWriter::block_head(pages);
  const auto room = writer.room(head + encoding.size());
  std::ranges::copy(encoding, room.begin() + static_cast<std::ptrdiff_t>(head));
  writer.add_block(pages, content, encoding.size());
}

void write_blocks(SocketStream& socket) {
  RecordWriter writer;
  put_block(writer, {1, 3}, wire::kContentSparse, page_wise({kSparse, page_of(3, 1)}));
  for (const PageIndex page : {4, 5}) writer.add_fill(page, 0x0807060504030201, false);
  put_block(writer, {6}, wire::kContentWkdm64, page_wise({kWkdm64}));
  put_block(writer, {7}, wire::kContentWkdm32, page_wise({kWkdm32}));
  put_block(writer, {8}, wire::kContentZstd, kZstd);
  ASSERT_TRUE(send_record(socket, writer).ok());
  put_block(writer, {3}, wire::kContentZstdDelta, kZstdDelta);
  put_block(writer, {6}, wire::kContentXbzrle, page_wise({kXbzrle}));
  put_block(writer, {8}, wire::kContentLz4Delta, page_wise({lz4_delta_of_f()}));
  ASSERT_TRUE(send_record(socket, writer).ok());
  ASSERT_TRUE(send_sync(socket, 1).ok());
}

// What no release writes yet: an optional record that nobody knows, before one that everybody knows.
void write_optional(SocketStream& socket) {
  const wire::RecordHeader optional = {static_cast<wire::RecordType>(wire::kOptionalBit | 9), 2,
                                       100, 7};
  const Bytes body(2 * sizeof(wire::TableEntry) + 100, std::byte{0x66});
  ASSERT_TRUE(socket.send_all(&optional, sizeof(optional)).ok());
  ASSERT_TRUE(socket.send_all(body.data(), body.size()).ok());
  const Bytes page = page_of(2, 1);
  RecordWriter writer;
  writer.add_raw(2, page.data(), kPageBytes, false);
  ASSERT_TRUE(send_record(socket, writer).ok());
  ASSERT_TRUE(send_sync(socket, 1).ok());
}

void write_residual(SocketStream& socket) {
  const TestGuest guest = make_guest(Backing::kShared, kRegions);
  PageBitmap missing(16);
  missing.set_range({1, 3});
  missing.set_range({10, 2});
  missing.set_range({12, 4});
  std::vector<SocketStream> sockets;
  sockets.emplace_back(UniqueFd(::dup(socket.fd())));
  const auto sender = make_sender(guest.memory, std::move(sockets));
  ASSERT_TRUE(announce_missing(*sender, missing).ok());
}

void write_request(SocketStream& socket) {
  const wire::RecordHeader request = {wire::RecordType::kRequest, 0, 0, 13};
  ASSERT_TRUE(socket.send_all(&request, sizeof(request)).ok());
}

// What the source answers to requests for page 13 and for page 14, which is zero.
Bytes fault_answers() {
  const TestGuest guest = make_guest(Backing::kShared, kRegions);
  std::ranges::copy(page_of(13, 1), guest.memory->engine_page(13));
  auto pair = connect_pair();
  const auto server = PageServer::start(guest.memory, std::make_shared<ResidualSet>(16),
                                        std::make_shared<TokenBucket>(),
                                        owned(std::move(pair.near)), [](Status) {});
  EXPECT_TRUE(server.ok()) << server.status().message();
  for (const PageIndex page : {13, 14}) {
    const wire::RecordHeader request = {wire::RecordType::kRequest, 0, 0, page};
    EXPECT_TRUE(pair.far.send_all(&request, sizeof(request)).ok());
  }
  Bytes answers(2 * (16 + 16) + kPageBytes);
  EXPECT_TRUE(pair.far.receive_all(answers.data(), answers.size()).ok());
  return answers;
}

TEST(GoldenStreams, TheWriterStillWritesThem) {
  expect_written("round.bin", bytes_sent_by(write_round));
  expect_written("lz4.bin", bytes_sent_by(write_lz4));
  expect_written("blocks.bin", bytes_sent_by(write_blocks));
  expect_written("optional.bin", bytes_sent_by(write_optional));
  expect_written("residual.bin", bytes_sent_by(write_residual));
  expect_written("fault-request.bin", bytes_sent_by(write_request));
  expect_written("fault-answers.bin", fault_answers());
  auto pair = connect_pair();
  ASSERT_TRUE(answer_preamble(pair.far, wire::PreambleStatus::kAccepted).ok());
  ASSERT_TRUE(offer_preamble(pair.near, wire::Role::kPage, 3, kId, kPatience).ok());
  Bytes preamble(sizeof(wire::Preamble));
  ASSERT_TRUE(pair.far.receive_all(preamble.data(), preamble.size()).ok());
  expect_written("preamble.bin", preamble);
  expect_written("preamble-answer.bin", bytes_sent_by([](SocketStream& socket) {
                   EXPECT_TRUE(answer_preamble(socket, wire::PreambleStatus::kBusy).ok());
                 }));
}

// The memory that a page channel's stream leaves behind once it has delivered sync `sync`.
struct Received {
  Received(const std::string& name, std::uint64_t sync)
      : guest(make_guest(Backing::kShared, kRegions)),
        arriving(std::make_shared<ArrivingMemory>(guest.memory)) {
    auto pair = connect_pair();
    PageReceiver receiver(arriving, 1, wire::ContentSet::all(), failures.callback());
    EXPECT_TRUE(receiver.add_channel(0, owned(std::move(pair.far))).ok());
    const Bytes stream = read_vector(name);
    EXPECT_TRUE(pair.near.send_all(stream.data(), stream.size()).ok());
    const Status reached = wait_sync(receiver, sync);
    EXPECT_TRUE(reached.ok()) << reached.message();
  }
  Bytes page(PageIndex index) const {
    const std::byte* at = guest.memory->engine_page(index);
    return {at, at + kPageBytes};
  }

  StatusLog failures;
  TestGuest guest;
  std::shared_ptr<ArrivingMemory> arriving;
};

TEST(GoldenStreams, RoundLeavesTheMemoryThatItDescribes) {
  const Received received("round.bin", 2);
  EXPECT_EQ(pages_of(populated_pages(*received.guest.memory)), (Pages{2, 3, 11, 12}));
  EXPECT_EQ(received.page(2), Bytes(kPageBytes));
  EXPECT_EQ(received.page(3), page_of(3, 2));
  EXPECT_EQ(received.page(11), page_of(11, 1));
  EXPECT_EQ(received.page(12), page_of(12, 1));
}

TEST(GoldenStreams, Lz4LeavesTwoPagesOfOneLetter) {
  const Received received("lz4.bin", 1);
  EXPECT_EQ(pages_of(populated_pages(*received.guest.memory)), (Pages{4, 5}));
  EXPECT_EQ(received.page(4), Bytes(kPageBytes, std::byte{'F'}));
  EXPECT_EQ(received.page(5), Bytes(kPageBytes, std::byte{'F'}));
}

TEST(GoldenStreams, BlocksLeaveThePagesOfTheDocumentsExamples) {
  const Received received("blocks.bin", 1);
  EXPECT_EQ(pages_of(populated_pages(*received.guest.memory)), (Pages{1, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(received.page(1), with_bytes(kPageBytes, {{8, hex({1, 2, 3})}, {4095, hex({0xff})}}));
  Bytes of_delta = page_of(3, 1);
  of_delta[0] = std::byte{'X'};
  EXPECT_EQ(received.page(3), of_delta);
  for (const PageIndex page : {4, 5}) {
    const Bytes filled = received.page(page);
    for (std::size_t i = 0; i < filled.size(); ++i) {
      ASSERT_EQ(filled[i], static_cast<std::byte>(1 + i % 8)) << page;
    }
  }
  const Bytes word = hex({0x88, 0x40, 0x20, 0x10, 0x3a, 0x7f});
  EXPECT_EQ(received.page(6),
            with_bytes(kPageBytes, {{0, hex({0x60, 0x40, 0x20, 0x10, 0x3a, 0x7f})},
                                    {8, word},
                                    {16, hex({0xaa, 0xbb})},
                                    {24, word},
                                    {32, hex({0x2a})}}));
  EXPECT_EQ(received.page(7),
            with_bytes(kPageBytes, {{0, hex({0x60, 0x40, 0x20, 0x10, 0x88, 0x40, 0x20, 0x10})},
                                    {12, hex({0x88, 0x40, 0x20, 0x10, 0x2a})}}));
  Bytes letters(kPageBytes, std::byte{'F'});
  letters[0] = std::byte{'X'};
  EXPECT_EQ(received.page(8), letters);
}

TEST(GoldenStreams, OptionalLeavesThePageBehindTheRecordThatNobodyKnows) {
  const Received received("optional.bin", 1);
  EXPECT_EQ(pages_of(populated_pages(*received.guest.memory)), (Pages{2}));
  EXPECT_EQ(received.page(2), page_of(2, 1));
}

TEST(GoldenStreams, ResidualNamesTheMissingPages) {
  if (const auto why = why_no_post_copy(Backing::kShared); !why.empty()) GTEST_SKIP() << why;
  const Received received("residual.bin", 1);
  ASSERT_TRUE(received.arriving->start_serving([] {}).ok());
  Pages missing;
  for (PageIndex page = 0; page < 16; ++page) {
    if (received.arriving->missing(page)) missing.insert(page);
  }
  EXPECT_EQ(missing, (Pages{1, 2, 3, 10, 11, 12, 13, 14, 15}));
}

TEST(GoldenStreams, TheFaultChannelCarriesARequestAndSinglePages) {
  auto pair = connect_pair();
  const Bytes request = read_vector("fault-request.bin");
  const Bytes answers = read_vector("fault-answers.bin");
  ASSERT_TRUE(pair.near.send_all(request.data(), request.size()).ok());
  const auto asked = receive_header(pair.far, wire::RecordType::kRequest);
  ASSERT_TRUE(asked.ok()) << asked.status().message();
  EXPECT_EQ(asked.value().value, 13u);
  const auto records = parse_records(answers);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].table.at(0).page, 13u);
  EXPECT_EQ(records[0].payload, page_of(13, 1));
  EXPECT_EQ(records[1].table.at(0).page, 14u);
  EXPECT_EQ(records[1].table.at(0).content, wire::kContentZero);
  const TestGuest guest = make_guest(Backing::kShared, kRegions);
  for (const ParsedRecord& record : records) {
    EXPECT_TRUE(check_header(record.header, wire::RecordType::kPages).ok());
    EXPECT_TRUE(
        check_table(record.header, guest.memory->layout(), wire::ContentSet::all(), record.table)
            .ok());
  }
}

TEST(GoldenStreams, ThePreamblesSayWhoAsksAndWhatWasAnswered) {
  wire::Preamble preamble;
  const Bytes asked = read_vector("preamble.bin");
  ASSERT_EQ(asked.size(), sizeof(preamble));
  std::memcpy(&preamble, asked.data(), sizeof(preamble));
  EXPECT_EQ(preamble.magic, wire::kMagic);
  EXPECT_EQ(preamble.version, 2);
  EXPECT_EQ(preamble.role, wire::Role::kPage);
  EXPECT_EQ(preamble.channel, 3u);
  EXPECT_EQ(preamble.migration_id, kId);
  EXPECT_EQ(preamble.flags, 0);
  EXPECT_EQ(preamble.features, 1u);
  auto pair = connect_pair();
  const Bytes answer = read_vector("preamble-answer.bin");
  ASSERT_TRUE(pair.far.send_all(answer.data(), answer.size()).ok());
  EXPECT_EQ(offer_preamble(pair.near, wire::Role::kPage, 3, kId, kPatience).status().code(),
            StatusCode::kBusy);
}

}  // namespace
}  // namespace pageferry
