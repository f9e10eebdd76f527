#include "receive/page_receiver.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <optional>

#include "os/thread_test_util.h"
#include "send/ferry_test_util.h"
#include "wire/record_writer.h"

namespace pageferry {
namespace {

using namespace testing;

// A receiver of `channels` channels and the source's ends of them.
struct Reception {
  explicit Reception(std::uint32_t channels)
      : guest(make_guest(Backing::kShared, {64})),
        receiver(std::in_place, std::make_shared<ArrivingMemory>(guest.memory), channels,
                 wire::ContentSet::all(), failures.callback()) {}

  Status add(std::uint32_t number) {
    auto pair = connect_pair();
    sources.push_back(std::move(pair.near));
    return receiver->add_channel(number, owned(std::move(pair.far)));
  }

  TestGuest guest;
  StatusLog failures;
  std::vector<SocketStream> sources;
  std::optional<PageReceiver> receiver;
};

TEST(PageReceiver, TakesEachAgreedChannelOnce) {
  Reception reception(2);
  ASSERT_TRUE(reception.add(1).ok());
  EXPECT_EQ(reception.add(1).code(), StatusCode::kProtocol);
  EXPECT_EQ(reception.add(2).code(), StatusCode::kProtocol);
  EXPECT_EQ(reception.add(~0u).code(), StatusCode::kProtocol);
  ASSERT_TRUE(reception.add(0).ok());
  EXPECT_EQ(reception.failures.count(), 0u);
}

TEST(PageReceiver, ASyncIsReachedWhenEveryChannelHasDeliveredIt) {
  Reception reception(3);
  for (std::uint32_t i = 0; i < 3; ++i) ASSERT_TRUE(reception.add(i).ok());
  StatusLog first;
  StatusLog second;
  reception.receiver->when_reached(2, second.callback());
  reception.receiver->when_reached(1, first.callback());
  ASSERT_TRUE(send_sync(reception.sources[0], 1).ok());
  ASSERT_TRUE(send_sync(reception.sources[0], 2).ok());
  ASSERT_TRUE(send_sync(reception.sources[1], 1).ok());
  wait_until(
      [&] { return reception.receiver->bytes_received() == 3 * sizeof(wire::RecordHeader); });
  EXPECT_FALSE(reception.receiver->has_reached(1));
  EXPECT_EQ(first.count(), 0u);
  ASSERT_TRUE(send_sync(reception.sources[2], 1).ok());
  EXPECT_TRUE(first.first().ok()) << first.first().message();
  EXPECT_TRUE(reception.receiver->has_reached(1));
  EXPECT_FALSE(reception.receiver->has_reached(2));
  EXPECT_EQ(second.count(), 0u);
}

TEST(PageReceiver, WhoAsksForASyncThatHasBeenReachedIsToldAtOnce) {
  Reception reception(1);
  ASSERT_TRUE(reception.add(0).ok());
  ASSERT_TRUE(send_sync(reception.sources[0], 1).ok());
  ASSERT_TRUE(wait_sync(*reception.receiver, 1).ok());
  for (const std::uint64_t number : {0, 1}) {
    StatusLog outcome;
    reception.receiver->when_reached(number, outcome.callback());
    ASSERT_EQ(outcome.count(), 1u);
    EXPECT_TRUE(outcome.first().ok());
  }
}

TEST(PageReceiver, ASyncThatIsNotTheNextOneEndsTheMigration) {
  for (const std::uint64_t wrong : {std::uint64_t{0}, std::uint64_t{2}, ~std::uint64_t{0}}) {
    Reception reception(1);
    ASSERT_TRUE(reception.add(0).ok());
    ASSERT_TRUE(send_sync(reception.sources[0], wrong).ok());
    EXPECT_EQ(reception.failures.first().code(), StatusCode::kProtocol);
    EXPECT_EQ(wait_sync(*reception.receiver, 1).code(), StatusCode::kProtocol);
  }
}

TEST(PageReceiver, TheFirstFailureIsToldAndOnlyThat) {
  Reception reception(4);
  for (std::uint32_t i = 0; i < 4; ++i) ASSERT_TRUE(reception.add(i).ok());
  StatusLog outcome;
  reception.receiver->when_reached(1, outcome.callback());
  EXPECT_EQ(outcome.count(), 0u);
  reception.sources.clear();
  EXPECT_EQ(outcome.first().code(), StatusCode::kPeerClosed);
  EXPECT_EQ(reception.failures.first().code(), StatusCode::kPeerClosed);
  reception.receiver->close();
  EXPECT_EQ(reception.failures.count(), 1u);
  EXPECT_EQ(outcome.count(), 1u);
}

TEST(PageReceiver, CloseEndsChannelsAndWaitersAndIsNoFailure) {
  Reception reception(2);
  for (std::uint32_t i = 0; i < 2; ++i) ASSERT_TRUE(reception.add(i).ok());
  // Half a header: the channel's thread is in the middle of a record.
  ASSERT_TRUE(send_text(reception.sources[0], "\x01").ok());
  StatusLog outcome;
  reception.receiver->when_reached(1, outcome.callback());
  reception.receiver->close();
  EXPECT_EQ(outcome.first().code(), StatusCode::kCancelled);
  EXPECT_EQ(reception.add(0).code(), StatusCode::kCancelled);
  EXPECT_EQ(wait_sync(*reception.receiver, 0).code(), StatusCode::kCancelled);
  reception.receiver->close();
  EXPECT_EQ(reception.failures.count(), 0u);
  EXPECT_EQ(outcome.count(), 1u);
}

TEST(PageReceiver, ClosingWhileChannelsAreAddedLeavesNoneBehind) {
  for (int i = 0; i < 50; ++i) {
    Reception reception(8);
    std::thread adding([&] {
      for (std::uint32_t number = 0; number < 8; ++number) (void)reception.add(number);
    });
    reception.receiver->close();
    adding.join();
    for (SocketStream& source : reception.sources) EXPECT_TRUE(receive_until_end(source).empty());
  }
}

TEST(PageReceiver, CountsStayAfterClose) {
  Reception reception(1);
  ASSERT_TRUE(reception.add(0).ok());
  RecordWriter writer;
  writer.add_zero(3, false);
  ASSERT_TRUE(send_record(reception.sources[0], writer).ok());
  ASSERT_TRUE(send_sync(reception.sources[0], 1).ok());
  ASSERT_TRUE(wait_sync(*reception.receiver, 1).ok());
  EXPECT_EQ(reception.receiver->bytes_received(), 48u);
  reception.receiver->close();
  EXPECT_EQ(reception.receiver->pages_received(), 1u);
  EXPECT_EQ(reception.receiver->bytes_received(), 48u);
}

TEST(PageReceiver, GarbageOnAChannelIsAProtocolError) {
  Reception reception(1);
  ASSERT_TRUE(reception.add(0).ok());
  ASSERT_TRUE(send_text(reception.sources[0], "GET / HTTP/1.1\r\n").ok());
  EXPECT_EQ(reception.failures.first().code(), StatusCode::kProtocol);
}

TEST(PageReceiver, AChannelThatGetsNoThreadIsRefusedAndTheOthersGoOn) {
  ThreadLimit limit;
  Reception reception(2);
  ASSERT_TRUE(reception.add(0).ok());
  limit.reach();
  const Status refused = reception.add(1);
  EXPECT_EQ(refused.system_error(), EAGAIN) << refused.message();
  EXPECT_TRUE(receive_until_end(reception.sources[1]).empty()) << "its connection is closed";
  ASSERT_TRUE(send_sync(reception.sources[0], 1).ok());
  wait_until([&] { return reception.receiver->bytes_received() == sizeof(wire::RecordHeader); });
  EXPECT_EQ(reception.failures.count(), 0u);
  limit.lift();
  ASSERT_TRUE(reception.add(1).ok());
  ASSERT_TRUE(send_sync(reception.sources.back(), 1).ok());
  EXPECT_TRUE(wait_sync(*reception.receiver, 1).ok());
}

}  // namespace
}  // namespace pageferry
