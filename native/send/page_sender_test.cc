#include "send/page_sender.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <random>
#include <thread>

#include "os/thread_test_util.h"
#include "send/ferry_test_util.h"
#include "tracker/tracker_test_util.h"
#include "wire/records.h"
#include "workload/guest_words.h"

namespace pageferry {
namespace {

using namespace testing;

// Regions that begin and end within a stripe, and one that is a single page.
const std::vector<std::uint64_t> kRegions = {2500, 1, 1100, 700};

struct Channels {
  std::vector<SocketStream> sockets;
  std::vector<SocketStream> peers;
};

Channels connect_channels(int count) {
  Channels channels;
  for (int i = 0; i < count; ++i) {
    auto pair = connect_pair();
    channels.sockets.push_back(std::move(pair.near));
    channels.peers.push_back(std::move(pair.far));
  }
  return channels;
}

void expect_same(const Ferry& ferry) {
  const GuestMemory& source = ferry.source();
  const PageBitmap populated = populated_pages(source);
  std::size_t different = 0;
  for_each_page(populated, [&](PageIndex page) {
    const auto* at = source.engine_page(page);
    if (!std::equal(at, at + kPageBytes, ferry.destination().engine_page(page))) ++different;
  });
  EXPECT_EQ(different, 0u);
}

class PageSenderOverChannels : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(PageSenderOverChannels, EveryPageOfARoundArrivesAsItIs) {
  Ferry ferry({.region_pages = kRegions, .channels = GetParam()});
  const auto pages = random_pages(ferry.source().page_count(), 3, 11);
  for_each_page(pages, [&](PageIndex page) { fill_page(ferry.source(), page, 1); });
  const SendStats stats = ferry.ferry_round(pages);
  expect_same(ferry);
  EXPECT_EQ(stats.contents[wire::kContentRaw].pages, pages.count());
  EXPECT_EQ(stats.contents.pages(), pages.count());
  EXPECT_EQ(stats.wire_bytes, ferry.receiver().bytes_received());
  EXPECT_EQ(ferry.receiver().pages_received(), pages.count());
  EXPECT_EQ(ferry.sender().progress().pages.sum(), pages.count());
  EXPECT_EQ(ferry.sender().progress().wire_bytes, stats.wire_bytes);
  EXPECT_EQ(pages_of(populated_pages(ferry.destination())), pages_of(pages));
}

TEST_P(PageSenderOverChannels, TheContentOfTheLastRoundStays) {
  Ferry ferry({.region_pages = kRegions, .channels = GetParam()});
  const std::uint64_t count = ferry.source().page_count();
  std::vector<std::uint64_t> version(count, 0);
  std::mt19937 random(5);
  for (std::uint64_t round = 1; round <= 6; ++round) {
    const auto pages = random_pages(count, 2, static_cast<std::uint32_t>(round));
    for_each_page(pages, [&](PageIndex page) {
      version[page] = random() % 4 == 0 ? 0 : round;
      fill_page(ferry.source(), page, version[page]);
    });
    ferry.ferry_round(pages);
    EXPECT_EQ(ferry.sender().last_sync(), round);
  }
  std::size_t wrong = 0;
  for (PageIndex page = 0; page < count; ++page) {
    if (!holds(ferry.destination(), page, version[page])) ++wrong;
  }
  EXPECT_EQ(wrong, 0u);
}

TEST_P(PageSenderOverChannels, APushTakesEachPageOfTheResidualSetOnce) {
  Ferry ferry({.region_pages = kRegions, .channels = GetParam()});
  const auto pages = random_pages(ferry.source().page_count(), 2, 17);
  for_each_page(pages, [&](PageIndex page) { fill_page(ferry.source(), page, 1); });
  ResidualSet residual(pages.page_count());
  residual.pages().merge(pages);
  PushWidth width;
  const SendStats stats =
      ferry.ferry([&](PageSender& sender) { return push(sender, residual, width); });
  EXPECT_EQ(stats.contents.pages(), pages.count());
  EXPECT_EQ(ferry.receiver().pages_received(), pages.count());
  EXPECT_EQ(residual.pages().count(), 0u);
  expect_same(ferry);
}

TEST_P(PageSenderOverChannels, APushLetsGoOfTheVersionsThatRoundsHaveKept) {
  PageSender::Options sending = in_blocks(Encoding::kZstd, 2);
  sending.effort.deltas = Deltas::kZstd;
  sending.version_bytes = std::uint64_t{64} << 20;
  Ferry ferry({.region_pages = kRegions, .channels = GetParam(), .sending = sending});
  const auto pages = random_pages(ferry.source().page_count(), 2, 18);
  for_each_page(pages, [&](PageIndex page) { fill_page(ferry.source(), page, 1); });
  ferry.ferry_round(pages);
  EXPECT_GT(ferry.sender().version_bytes(), 0u);
  for_each_page(pages, [&](PageIndex page) { fill_page(ferry.source(), page, 2); });
  ResidualSet residual(pages.page_count());
  residual.pages().merge(pages);
  PushWidth width;
  ferry.ferry([&](PageSender& sender) { return push(sender, residual, width); });
  expect_same(ferry);
  EXPECT_EQ(ferry.sender().version_bytes(), 0u);
}

TEST_P(PageSenderOverChannels, WhatTheGuestWritesAgainHasVersionsThoughThoseOfAllPagesDoNotFit) {
  constexpr std::uint64_t kPages = 1024;
  constexpr std::uint64_t kWorkingSet = 16;
  PageSender::Options sending;
  sending.effort.deltas = Deltas::kXbzrle;
  // What finds the versions of a stripe, and some forty pages.
  sending.version_bytes = 200'000;
  Ferry ferry({.region_pages = {kPages}, .channels = GetParam(), .sending = sending});
  const PageBitmap all = random_pages(kPages, 1, 19);
  for_each_page(all, [&](PageIndex page) { fill_page(ferry.source(), page, 1); });
  ferry.ferry_round(all);
  const std::uint64_t of_all = ferry.sender().version_bytes();
  PageBitmap written(kPages);
  written.set_range({kPages - kWorkingSet, kWorkingSet});
  const auto round = [&](std::uint64_t word) {
    for_each_page(written,
                  [&](PageIndex page) { store_guest_word(ferry.source().guest_page(page), word); });
    return ferry.ferry_round(written).contents[wire::kContentXbzrle].pages;
  };
  EXPECT_EQ(round(2), 0u);
  EXPECT_LT(ferry.sender().version_bytes(), of_all);
  EXPECT_EQ(round(3), kWorkingSet);
  expect_same(ferry);
}

TEST_P(PageSenderOverChannels, AnEmptyRoundIsASyncOnEveryChannel) {
  Ferry ferry({.region_pages = kRegions, .channels = GetParam()});
  const PageBitmap none(ferry.source().page_count());
  EXPECT_EQ(ferry.ferry_round(none).wire_bytes, 16 * GetParam());
  EXPECT_EQ(ferry.ferry_missing(none).wire_bytes, 16 * GetParam());
  ResidualSet residual(none.page_count());
  PushWidth width;
  ferry.ferry([&](PageSender& sender) { return push(sender, residual, width); });
  EXPECT_EQ(ferry.sender().last_sync(), 3u);
}

TEST_P(PageSenderOverChannels, TheDestinationLearnsExactlyWhichPagesAreMissing) {
  if (const auto why = why_no_post_copy(Backing::kShared); !why.empty()) GTEST_SKIP() << why;
  const std::uint64_t count = 2500 + 1 + 1100 + 700;
  std::vector<PageBitmap> sets;
  sets.push_back(PageBitmap(count));            // nothing
  sets.push_back(random_pages(count, 1, 0));    // everything
  sets.push_back(random_pages(count, 2, 3));    // dense
  sets.push_back(random_pages(count, 900, 4));  // sparse
  sets.push_back(PageBitmap(count));            // the pages at the borders
  for (const PageIndex page : {0, 1023, 1024, 2499, 2500, 2501, 3600, 3601, 4300}) {
    sets.back().set(page);
  }
  for (const PageBitmap& missing : sets) {
    Ferry ferry({.region_pages = kRegions, .channels = GetParam()});
    ferry.ferry_missing(missing);
    ASSERT_TRUE(ferry.arriving()->start_serving([] {}).ok());
    EXPECT_EQ(ferry.arriving()->pages_missing(), missing.count());
    std::size_t wrong = 0;
    for (PageIndex page = 0; page < count; ++page) {
      if (ferry.arriving()->missing(page) != missing.test(page)) ++wrong;
    }
    EXPECT_EQ(wrong, 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Channels, PageSenderOverChannels, ::testing::Values(1, 2, 5));

TEST(PageSender, ZeroPagesCostAFewBytesAndUntouchedPagesNothing) {
  Ferry ferry({.region_pages = {8192, 8192}, .channels = 2});
  // Every fourth page holds zeros that the guest wrote, one page holds something.
  for (PageIndex page = 0; page < 16384; page += 4) fill_page(ferry.source(), page, 0);
  fill_page(ferry.source(), 9000, 1);
  const PageBitmap before = populated_pages(ferry.source());
  ASSERT_EQ(before.count(), 4096u);
  const SendStats stats = ferry.ferry_round(before);
  EXPECT_EQ(stats.contents[wire::kContentZero].pages, 4095u);
  EXPECT_EQ(stats.contents[wire::kContentRaw].pages, 1u);
  EXPECT_LT(stats.wire_bytes, 4096u * 17 + kPageBytes);
  EXPECT_EQ(pages_of(populated_pages(ferry.source())), pages_of(before));
  EXPECT_EQ(pages_of(populated_pages(ferry.destination())), Pages{9000});
}

TEST(PageSender, ARunOfZeroPagesCostsOneEntry) {
  Ferry ferry({.region_pages = {4096}});
  for (PageIndex page = 0; page < 4096; ++page) fill_page(ferry.source(), page, 0);
  const SendStats stats = ferry.ferry_round(populated_pages(ferry.source()));
  EXPECT_EQ(stats.contents[wire::kContentZero].pages, 4096u);
  EXPECT_EQ(stats.wire_bytes, 16u + 16u + 16u);
}

TEST(PageSender, APageThatBecameZeroIsZeroOnTheOtherSide) {
  Ferry ferry({.region_pages = {64}});
  PageBitmap pages(64);
  pages.set_range({10, 20});
  for_each_page(pages, [&](PageIndex page) { fill_page(ferry.source(), page, 1); });
  ferry.ferry_round(pages);
  for (PageIndex page = 12; page < 18; ++page) fill_page(ferry.source(), page, 0);
  ferry.ferry_round(pages);
  for_each_page(pages, [&](PageIndex page) {
    EXPECT_TRUE(holds(ferry.destination(), page, page >= 12 && page < 18 ? 0 : 1)) << page;
  });
}

// The pages before this one compress; the others hold noise.
constexpr PageIndex kFirstNoise = 1792;

void fill_for_lz4(const GuestMemory& memory, PageIndex page) {
  if (page >= kFirstNoise) return fill_page(memory, page, 1);
  for (std::uint64_t i = 0; i < kWordsPerPage; ++i) {
    guest_word(memory, page, i).store(page * 1000 + i / 16, std::memory_order_relaxed);
  }
}

class PageSenderEncoding : public ::testing::TestWithParam<std::size_t> {};

TEST_P(PageSenderEncoding, PagesArriveAsTheyAreAndNoiseGoesRaw) {
  Ferry ferry({.region_pages = kRegions,
               .channels = 2,
               .destination = Backing::kPrivate,
               .sending = in_blocks(Encoding::kLz4, GetParam())});
  PageBitmap pages(ferry.source().page_count());
  pages.set_range({1000, 1600});
  for_each_page(pages, [&](PageIndex page) { fill_for_lz4(ferry.source(), page); });
  const SendStats stats = ferry.ferry_round(pages);
  expect_same(ferry);
  // An encoder that comes from noise leaves up to seven blocks untried.
  const ContentStats& encoded = stats.contents[wire::kContentLz4];
  EXPECT_LE(encoded.pages, 792u);
  EXPECT_GE(encoded.pages, 792u - 7 * 16);
  EXPECT_EQ(stats.contents[wire::kContentRaw].pages, 1600 - encoded.pages);
  EXPECT_EQ(ferry.sender().progress().pages[wire::kContentLz4], encoded.pages);
  EXPECT_LT(encoded.bytes_out, encoded.pages * kPageBytes / 2);
  EXPECT_LT(stats.wire_bytes, (1600 - encoded.pages) * kPageBytes + encoded.bytes_out + 40000);
}

INSTANTIATE_TEST_SUITE_P(Encoders, PageSenderEncoding, ::testing::Values(0, 1, 3));

TEST(PageSender, PagesWrittenAgainAreSkippedAndAreInTheNextHarvest) {
  Ferry ferry({.region_pages = kRegions, .channels = 2});
  const TrackerKind kind = TrackerKind::kUffdWpAsync;
  if (const auto why = why_unavailable(kind, Backing::kShared); !why.empty()) GTEST_SKIP() << why;
  auto made = make_tracker(kind, ferry.shared_source(), ignore_failure);
  ASSERT_TRUE(made.ok()) << made.status().message();
  DirtyTracker& tracker = *made.value();
  ASSERT_TRUE(tracker.arm().ok());
  const auto written = random_pages(ferry.source().page_count(), 4, 23);
  for_each_page(written, [&](PageIndex page) { fill_page(ferry.source(), page, 1); });
  PageBitmap dirty(written.page_count());
  ASSERT_TRUE(tracker.harvest(dirty.all(), dirty).ok());
  Pages hot;
  for_each_page(written, [&](PageIndex page) {
    if (page % 5 != 0) return;
    hot.insert(page);
    fill_page(ferry.source(), page, 2);
  });
  ASSERT_FALSE(hot.empty());
  const SendStats first = ferry.ferry_round(dirty, &tracker);
  EXPECT_EQ(first.pages_skipped, hot.size());
  EXPECT_EQ(first.contents.pages(), dirty.count() - hot.size());
  PageBitmap again(written.page_count());
  ASSERT_TRUE(tracker.harvest(again.all(), again).ok());
  EXPECT_EQ(pages_of(again), hot);
  const SendStats second = ferry.ferry_round(again, &tracker);
  EXPECT_EQ(second.pages_skipped, 0u);
  expect_same(ferry);
}

TEST(PageSender, CancelEndsARateLimitedSendAndEveryLaterOne) {
  Ferry ferry({.region_pages = {4096}, .channels = 3, .rate = 1});
  for (PageIndex page = 0; page < 4096; ++page) fill_page(ferry.source(), page, 1);
  const PageBitmap pages = populated_pages(ferry.source());
  Status status;
  WatchedThread sending([&] { status = send_round(ferry.sender(), pages).status(); });
  // One byte per second: after the first record all wait for hours.
  wait_until([&] { return ferry.sender().progress().wire_bytes > 0; });
  EXPECT_FALSE(sending.done());
  ferry.sender().cancel();
  sending.join();
  EXPECT_EQ(status.code(), StatusCode::kCancelled) << status.message();
  EXPECT_EQ(ferry.sender().last_sync(), 0u);
  EXPECT_EQ(send_round(ferry.sender(), pages).status().code(), StatusCode::kCancelled);
  EXPECT_EQ(announce_missing(ferry.sender(), pages).status().code(), StatusCode::kCancelled);
  EXPECT_EQ(ferry.failures().first().code(), StatusCode::kPeerClosed);
}

TEST(PageSender, CancelEndsASendThatThePeerDoesNotTake) {
  const TestGuest guest = make_guest(Backing::kShared, {16384});
  for (PageIndex page = 0; page < 16384; ++page) fill_page(*guest.memory, page, 1);
  auto pair = connect_pair();
  std::vector<SocketStream> sockets;
  sockets.push_back(std::move(pair.near));
  const auto sender = make_sender(guest.memory, std::move(sockets));
  const PageBitmap pages = populated_pages(*guest.memory);
  Status status;
  WatchedThread sending([&] { status = send_round(*sender, pages).status(); });
  // The peer's buffers hold less than the guest.
  wait_until([&] { return sender->unacknowledged_bytes() > 0; });
  wait_until([&] { return sender->progress().pages[wire::kContentRaw] > 0; });
  EXPECT_FALSE(sending.done());
  sender->cancel();
  sending.join();
  EXPECT_EQ(status.code(), StatusCode::kCancelled) << status.message();
  // What was sent of it is known, and no page that did not get into the socket as a whole.
  const auto progress = sender->progress();
  EXPECT_GT(progress.pages[wire::kContentRaw], 0u);
  EXPECT_LE(progress.pages[wire::kContentRaw] * kPageBytes, progress.wire_bytes);
}

// Threads that receive until the channels end.
std::vector<std::thread> drain(std::vector<SocketStream>& peers) {
  std::vector<std::thread> draining;
  for (SocketStream& peer : peers) {
    draining.emplace_back([&peer] {
      std::vector<std::byte> bytes(64 << 10);
      while (peer.receive_all(bytes.data(), 1).ok()) {
        (void)peer.receive_available(bytes.data(), bytes.size());
      }
    });
  }
  return draining;
}

// By the lengths of the queues alone both encoders may begin for the channel that stands still, and stay there.
TEST(PageSender, AChannelThatStandsStillKeepsOneEncoderAndNotTheOthersToo) {
  constexpr std::uint64_t kPages = 12 * wire::kStripePages;
  const TestGuest guest = make_guest(Backing::kShared, {kPages});
  std::mt19937_64 random(1);
  for (PageIndex page = 0; page < kPages; ++page) {
    auto* words = reinterpret_cast<std::uint64_t*>(guest.memory->engine_page(page));
    std::generate_n(words, kPageBytes / sizeof(*words), std::ref(random));
  }
  auto [sockets, peers] = connect_channels(2);
  const auto sender = make_sender(guest.memory, std::move(sockets), std::make_shared<TokenBucket>(),
                                  in_blocks(Encoding::kLz4, 2));
  const PageBitmap pages = populated_pages(*guest.memory);
  WatchedThread sending([&] { (void)send_round(*sender, pages); });
  std::vector<std::byte> bytes(64 << 10);
  // All stripes of one channel, while nobody reads the other.
  while (peers[1].bytes_received() < kPages / 2 * kPageBytes) {
    ASSERT_TRUE(peers[1].receive_all(bytes.data(), 1).ok());
    (void)peers[1].receive_available(bytes.data(), bytes.size());
  }
  EXPECT_FALSE(sending.done());
  sender->cancel();
  sending.join();
}

TEST(PageSender, APushLeavesHalfOfTheChannelsAloneWhilePagesAreDemanded) {
  constexpr std::uint64_t kPages = 400;
  const TestGuest guest = make_guest(Backing::kShared, {kPages});
  for (PageIndex page = 0; page < kPages; ++page) fill_page(*guest.memory, page, 1);
  auto [sockets, peers] = connect_channels(5);
  std::vector<std::thread> draining = drain(peers);
  // Takes 200 ms, so that a channel that may push does.
  const auto sender = make_sender(guest.memory, std::move(sockets),
                                  std::make_shared<TokenBucket>(5 * kPages * kPageBytes));
  ResidualSet residual(kPages);
  residual.pages().merge(populated_pages(*guest.memory));
  PushWidth never_quiet(PushWidth::Clock::now() + std::chrono::hours(1));
  EXPECT_TRUE(push(*sender, residual, never_quiet).ok());
  EXPECT_EQ(residual.pages().count(), 0u);
  sender->cancel();  // Ends the channels.
  for (std::thread& thread : draining) thread.join();
  EXPECT_GT(peers[0].bytes_received() + peers[1].bytes_received(), kPages * kPageBytes);
  for (int i = 2; i < 5; ++i) {
    EXPECT_EQ(peers[i].bytes_received(), sizeof(wire::RecordHeader)) << "more than a sync on " << i;
  }
}

// Nobody reads on until every channel has brought pages. Four channels hold less than the guest, so the
// push cannot be over before.
TEST(PageSender, APushUsesEveryChannelOnceNothingIsDemanded) {
  constexpr std::uint64_t kPages = 8192;
  const TestGuest guest = make_guest(Backing::kShared, {kPages});
  for (PageIndex page = 0; page < kPages; ++page) fill_page(*guest.memory, page, 1);
  auto [sockets, peers] = connect_channels(5);
  for (SocketStream& socket : sockets) socket.set_send_buffer(64 << 10);
  const auto sender = make_sender(guest.memory, std::move(sockets));
  ResidualSet residual(kPages);
  residual.pages().merge(populated_pages(*guest.memory));
  Status pushed;
  WatchedThread pushing([&] {
    PushWidth quiet(PushWidth::Clock::now() - PushWidth::kQuiet);
    pushed = push(*sender, residual, quiet).status();
  });
  for (SocketStream& peer : peers) {
    wire::RecordHeader header = {};
    const Status received =
        peer.receive_all_within(&header, sizeof(header), std::chrono::seconds(20));
    EXPECT_TRUE(received.ok()) << received.message();
    EXPECT_EQ(header.type, wire::RecordType::kPages);
  }
  std::vector<std::thread> draining = drain(peers);
  pushing.join();
  EXPECT_TRUE(pushed.ok()) << pushed.message();
  EXPECT_EQ(residual.pages().count(), 0u);
  sender->cancel();
  for (std::thread& thread : draining) thread.join();
}

TEST(PageSender, ALostChannelIsTheReasonAlthoughTheOthersWereCancelled) {
  const TestGuest guest = make_guest(Backing::kShared, {16384});
  for (PageIndex page = 0; page < 16384; ++page) fill_page(*guest.memory, page, 1);
  auto [sockets, peers] = connect_channels(3);
  { const SocketStream closing = std::move(peers[1]); }
  const auto sender = make_sender(guest.memory, std::move(sockets));
  const auto sent = send_round(*sender, populated_pages(*guest.memory));
  ASSERT_FALSE(sent.ok());
  EXPECT_EQ(sent.status().code(), StatusCode::kPeerClosed) << sent.status().message();
}

// The first pages of a stripe of each channel, so many of each.
PageBitmap some_of_every_channel(std::uint32_t channels, std::uint64_t each,
                                 std::uint64_t stripes) {
  PageBitmap pages(stripes * wire::kStripePages);
  std::vector<bool> has(channels, false);
  for (std::uint64_t stripe = 0; stripe < stripes; ++stripe) {
    const auto channel = wire::channel_of_stripe(stripe, channels);
    if (has[channel]) continue;
    has[channel] = true;
    for (std::uint64_t i = 0; i < each; ++i) pages.set(stripe * wire::kStripePages + i);
  }
  return pages;
}

TEST(PageSender, NoCallNeedsAThreadThatDoesNotExistYet) {
  constexpr std::uint32_t kChannels = 5;
  constexpr std::uint64_t kStripes = 40;
  // More than one thread would send alone.
  const PageBitmap pages = some_of_every_channel(kChannels, 100, kStripes);
  ASSERT_EQ(pages.count(), kChannels * 100u);
  ThreadLimit limit;
  Ferry ferry({.region_pages = {kStripes * wire::kStripePages}, .channels = kChannels});
  for_each_page(pages, [&](PageIndex page) { fill_page(ferry.source(), page, 1); });
  ResidualSet residual(pages.page_count());
  residual.pages().merge(pages);
  PushWidth width;
  limit.reach();
  EXPECT_EQ(ferry.ferry_round(pages).contents[wire::kContentRaw].pages, pages.count());
  EXPECT_EQ(ferry.ferry([&](PageSender& sender) { return push(sender, residual, width); })
                .contents[wire::kContentRaw]
                .pages,
            pages.count());
  expect_same(ferry);
}

TEST(PageSender, ALinkOnWhichNothingIsUnderWayHasNoQueueIsNotBusyAndStillTellsWhatItHasDelivered) {
  const TestGuest guest = make_guest(Backing::kShared, {16});
  for (PageIndex page = 0; page < 16; ++page) fill_page(*guest.memory, page, 1);
  Channels channels;
  for (int i = 0; i < 2; ++i) {
    const LoopbackPort port;
    channels.sockets.push_back(connect_from("127.0.0.9", port.port()));
    channels.peers.push_back(port.accept());
  }
  const auto sender = make_sender(guest.memory, std::move(channels.sockets));
  const auto sent = send_round(*sender, populated_pages(*guest.memory), nullptr);
  ASSERT_TRUE(sent.ok());
  // The peers' kernels acknowledge it, though nobody reads.
  wait_until([&] { return sender->unacknowledged_bytes() == 0; });
  const auto link = sender->link();
  ASSERT_TRUE(link.has_value());
  EXPECT_EQ(link->smoothed_us, link->least_us);
  EXPECT_GE(link->acknowledged_bytes, sent.value().wire_bytes);
  EXPECT_GT(link->busy_us, 0u);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(sender->link()->busy_us, link->busy_us);
}

TEST(PageSender, IsNotMadeWhenTheSystemHasNoThreadLeft) {
  const TestGuest guest = make_guest(Backing::kShared, {16});
  auto [sockets, peers] = connect_channels(2);
  std::vector<StreamPtr> streams = owned(std::move(sockets));
  ThreadLimit limit;
  limit.reach();
  const auto sender =
      PageSender::create(guest.memory, std::move(streams), std::make_shared<TokenBucket>(), {});
  ASSERT_FALSE(sender.ok());
  EXPECT_EQ(sender.status().system_error(), EAGAIN);
}

TEST(PageSender, WhoeverDestroysItHearsFirstWhatBecameOfEveryCall) {
  const TestGuest guest = make_guest(Backing::kShared, {16384});
  for (PageIndex page = 0; page < 16384; ++page) fill_page(*guest.memory, page, 1);
  auto [sockets, peers] = connect_channels(3);
  const PageBitmap pages = populated_pages(*guest.memory);
  std::vector<StatusCode> told;
  {
    const auto sender = make_sender(guest.memory, std::move(sockets));
    for (int call = 0; call < 3; ++call) {
      sender->send_round(pages, nullptr,
                         [&](Result<SendStats> sent) { told.push_back(sent.status().code()); });
    }
    // Nobody reads: the first call waits in its sockets.
    wait_until([&] { return sender->progress().wire_bytes > 0; });
  }
  EXPECT_EQ(told, std::vector<StatusCode>(3, StatusCode::kCancelled));
}

}  // namespace
}  // namespace pageferry
