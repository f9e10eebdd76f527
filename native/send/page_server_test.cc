#include "send/page_server.h"

#include <gtest/gtest.h>

#include <cerrno>

#include <algorithm>

#include "codec/block_test_util.h"
#include "os/thread_test_util.h"
#include "send/ferry_test_util.h"
#include "wire/record_reader.h"

namespace pageferry {
namespace {

using namespace testing;

constexpr std::uint64_t kPages = 24;  // in regions of 16 and 8

// A page server and the destination's end of its fault channel.
struct Served {
  Served() : guest(make_guest(Backing::kShared, {16, 8})) {
    residual->pages().set_range({0, kPages});
    auto pair = connect_pair();
    destination.emplace_back(std::move(pair.far));
    auto started = PageServer::start(guest.memory, residual, std::make_shared<TokenBucket>(),
                                     owned(std::move(pair.near)), ended.callback());
    EXPECT_TRUE(started.ok()) << started.status().message();
    server = std::move(started.value());
  }

  void send(const wire::RecordHeader& header) {
    EXPECT_TRUE(destination.front().send_all(&header, sizeof(header)).ok());
  }
  void request(PageIndex page) { send({wire::RecordType::kRequest, 0, 0, page}); }
  // Receives one answer; its payload lands in `payload`.
  wire::TableEntry answer() {
    SocketStream& socket = destination.front();
    const auto header = receive_header(socket, wire::RecordType::kPages);
    EXPECT_TRUE(header.ok()) << header.status().message();
    std::vector<wire::TableEntry> table;
    const Status read = receive_table(socket, header.value(), guest.memory->layout(),
                                      wire::ContentSet::all(), table);
    EXPECT_TRUE(read.ok()) << read.message();
    payload.resize(header.value().payload_bytes);
    EXPECT_TRUE(socket.receive_all(payload.data(), payload.size()).ok());
    EXPECT_EQ(table.size(), 1u);
    return table.front();
  }

  TestGuest guest;
  std::shared_ptr<ResidualSet> residual = std::make_shared<ResidualSet>(kPages);
  StatusLog ended;
  std::vector<SocketStream> destination;
  std::vector<std::byte> payload;
  std::unique_ptr<PageServer> server;
};

TEST(PageServer, AnswersEachRequestWithThatPage) {
  Served served;
  for (const PageIndex page : {0, 15, 16, 23}) fill_page(*served.guest.memory, page, 1);
  for (const PageIndex page : {23, 0, 16, 15}) {
    served.request(page);
    const wire::TableEntry entry = served.answer();
    EXPECT_EQ(entry.page, page);
    EXPECT_EQ(entry.pages, 1);
    EXPECT_EQ(entry.content, wire::kContentRaw);
    ASSERT_EQ(served.payload.size(), kPageBytes);
    EXPECT_TRUE(std::equal(served.payload.begin(), served.payload.end(),
                           served.guest.memory->engine_page(page)));
    EXPECT_FALSE(served.residual->pages().test(page));
  }
  // Counted once it is sent, which may be after it was read here.
  wait_until([&] { return served.server->pages_served() == 4; });
  EXPECT_EQ(served.server->zero_pages_served(), 0u);
  EXPECT_EQ(served.server->wire_bytes(), 4 * (16 + 16 + kPageBytes));
}

TEST(PageServer, SaysThatAPageIsZeroWithoutSendingIt) {
  Served served;
  fill_page(*served.guest.memory, 3, 0);
  served.request(3);
  EXPECT_EQ(served.answer().content, wire::kContentZero);
  EXPECT_TRUE(served.payload.empty());
  wait_until([&] { return served.server->zero_pages_served() == 1; });
}

TEST(PageServer, SendsAPageAsLz4OnlyWhereThatIsWantedAndMakesItSmaller) {
  Served served;
  Random random(1);
  const auto write = [&](PageIndex page, const std::vector<std::byte>& content) {
    std::ranges::copy(content, served.guest.memory->engine_page(page));
    return content;
  };
  const auto written = write(1, text(random, kPageBytes));
  write(2, noise(random, kPageBytes));
  fill_page(*served.guest.memory, 3, 0);
  served.request(1);
  EXPECT_EQ(served.answer().content, wire::kContentRaw);
  served.server->compress(true);
  for (const PageIndex page : {1, 2, 3}) served.request(page);
  EXPECT_EQ(served.answer().content, wire::kContentLz4);
  std::vector<std::byte> decoded(kPageBytes);
  ASSERT_TRUE(make_block_decoder(Encoding::kLz4)->decode(served.payload, {}, decoded).ok());
  EXPECT_EQ(decoded, written);
  EXPECT_EQ(served.answer().content, wire::kContentRaw);
  EXPECT_EQ(served.answer().content, wire::kContentZero);
  wait_until([&] { return served.server->pages_served() == 4; });
  EXPECT_EQ(served.server->lz4_pages_served(), 1u);
  EXPECT_EQ(served.server->zero_pages_served(), 1u);
}

// The guest waits while a page is tried.
TEST(PageServer, TriesLessAndLessWhatDoesNotShrink) {
  Served served;
  Random random(2);
  for (PageIndex page = 0; page < 8; ++page) {
    std::ranges::copy(page == 0 || page == 3 ? noise(random, kPageBytes) : text(random, kPageBytes),
                      served.guest.memory->engine_page(page));
  }
  served.server->compress(true);
  std::string sent;
  for (PageIndex page = 0; page < 8; ++page) {
    served.request(page);
    sent += served.answer().content == wire::kContentLz4 ? 'l' : 'r';
  }
  // Neither the page after the first that does not shrink is tried, nor the one after the second: one in between did.
  EXPECT_EQ(sent, "rrlrrlll");
}

TEST(PageServer, AnswersRequestsInTheirOrderAlsoForAPageThatWasPushed) {
  Served served;
  for (PageIndex page = 0; page < kPages; ++page) fill_page(*served.guest.memory, page, 1);
  served.residual->pages().clear_all();
  for (PageIndex page = 0; page < kPages; ++page) served.request(page);
  for (PageIndex page = 0; page < kPages; ++page) EXPECT_EQ(served.answer().page, page);
}

TEST(PageServer, ARequestThatTheDocumentForbidsEndsIt) {
  const wire::RecordHeader forbidden[] = {
      {wire::RecordType::kRequest, 0, 0, kPages},  {wire::RecordType::kRequest, 0, 0, ~0ull},
      {wire::RecordType::kRequest, 1, 0, 0},       {wire::RecordType::kRequest, 0, 1, 0},
      {wire::RecordType::kSync, 0, 0, 1},          {wire::RecordType::kPages, 1, 0, 0},
      {static_cast<wire::RecordType>(99), 0, 0, 0}};
  for (const auto& header : forbidden) {
    Served served;
    served.send(header);
    EXPECT_EQ(served.ended.first().code(), StatusCode::kProtocol);
    EXPECT_EQ(served.server->pages_served(), 0u);
  }
}

TEST(PageServer, EndsWithPeerClosedWhenTheDestinationCloses) {
  Served served;
  served.destination.clear();
  EXPECT_EQ(served.ended.first().code(), StatusCode::kPeerClosed);
  served.server->close();
  EXPECT_EQ(served.ended.count(), 1u);
}

TEST(PageServer, ClosingItIsNoFailure) {
  Served served;
  served.server->close();
  served.server->close();
  EXPECT_EQ(served.ended.count(), 0u);
  EXPECT_TRUE(receive_until_end(served.destination.front()).empty());
}

TEST(PageServer, DoesNotStartWhenTheSystemHasNoThreadLeft) {
  const TestGuest guest = make_guest(Backing::kShared, {16});
  auto pair = connect_pair();
  StatusLog ended;
  ThreadLimit limit;
  limit.reach();
  const auto started = PageServer::start(guest.memory, std::make_shared<ResidualSet>(16),
                                         std::make_shared<TokenBucket>(),
                                         owned(std::move(pair.near)), ended.callback());
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.status().system_error(), EAGAIN) << started.status().message();
  EXPECT_TRUE(receive_until_end(pair.far).empty()) << "the fault channel is closed";
  EXPECT_EQ(ended.count(), 0u);
}

}  // namespace
}  // namespace pageferry
