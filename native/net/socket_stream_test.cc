#include "net/socket_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <thread>
#include <vector>

#include "net/stream_test_util.h"
#include "os/thread_test_util.h"

namespace pageferry {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::connect_pair;
using testing::WatchedThread;

// More than loopback TCP buffers at both ends together.
constexpr std::size_t kMoreThanBuffers = std::size_t{64} << 20;

std::vector<std::byte> random_bytes(std::size_t count, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> bytes(count);
  for (std::byte& value : bytes) value = static_cast<std::byte>(random());
  return bytes;
}

// Cuts `bytes` into parts of 0 to 700 bytes, so many that one system call cannot take them.
std::vector<iovec> cut(std::vector<std::byte>& bytes, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<iovec> parts;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length = std::min<std::size_t>(random() % 701, bytes.size() - at);
    parts.push_back({bytes.data() + at, length});
    at += length;
  }
  return parts;
}

TEST(SocketStream, ThousandsOfPartsArriveInOrderThroughASmallSendBuffer) {
  auto pair = connect_pair();
  pair.near.set_send_buffer(4096);
  auto sent = random_bytes(3 << 20, 1);
  auto parts = cut(sent, 2);
  ASSERT_GT(parts.size(), 4000u);
  std::thread sender([&] { EXPECT_TRUE(pair.near.send_all(parts).ok()); });
  std::vector<std::byte> received(sent.size());
  auto room = cut(received, 3);
  const Status status = pair.far.receive_all(room);
  sender.join();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(received, sent);
  EXPECT_EQ(pair.near.bytes_sent(), sent.size());
  EXPECT_EQ(pair.far.bytes_received(), sent.size());
}

TEST(SocketStream, NothingToSendOrReceiveSucceedsAtOnce) {
  auto pair = connect_pair();
  iovec empty[] = {{nullptr, 0}, {nullptr, 0}};
  EXPECT_TRUE(pair.near.send_all(empty).ok());
  EXPECT_TRUE(pair.far.receive_all(empty).ok());
  EXPECT_TRUE(pair.near.send_all(std::span<iovec>()).ok());
  EXPECT_EQ(pair.near.bytes_sent(), 0u);
}

TEST(SocketStream, ReceivingFromAPeerThatClosesTooEarlySaysPeerClosed) {
  auto pair = connect_pair();
  ASSERT_TRUE(testing::send_text(pair.near, "short").ok());
  { const SocketStream closing = std::move(pair.near); }
  char bytes[6];
  EXPECT_EQ(pair.far.receive_all(bytes, sizeof(bytes)).code(), StatusCode::kPeerClosed);
  EXPECT_EQ(pair.far.receive_all_within(bytes, 1, seconds(60)).code(), StatusCode::kPeerClosed);
}

TEST(SocketStream, SendingToAPeerThatHasClosedSaysPeerClosedAndRaisesNoSignal) {
  auto pair = connect_pair();
  { const SocketStream closing = std::move(pair.far); }
  Status status;
  while (status.ok()) status = testing::send_text(pair.near, "into the void");
  EXPECT_EQ(status.code(), StatusCode::kPeerClosed) << status.message();
}

TEST(SocketStream, ShutdownEndsABlockedReceiveWithCancelled) {
  auto pair = connect_pair();
  Status status;
  WatchedThread receiver([&] {
    char byte;
    status = pair.far.receive_all(&byte, 1);
  });
  receiver.wait_until_asleep();
  EXPECT_FALSE(receiver.done());
  pair.far.shutdown();
  receiver.join();
  EXPECT_EQ(status.code(), StatusCode::kCancelled);
}

TEST(SocketStream, ShutdownEndsAReceiveWithATimeLimitWithCancelled) {
  auto pair = connect_pair();
  Status status;
  WatchedThread receiver([&] {
    char byte;
    status = pair.far.receive_all_within(&byte, 1, seconds(250));
  });
  receiver.wait_until_asleep();
  pair.far.shutdown();
  receiver.join();
  EXPECT_EQ(status.code(), StatusCode::kCancelled);
}

TEST(SocketStream, ShutdownEndsABlockedSendWithCancelled) {
  auto pair = connect_pair();
  std::vector<std::byte> bytes(kMoreThanBuffers);
  Status status;
  WatchedThread sender([&] { status = pair.near.send_all(bytes.data(), bytes.size()); });
  sender.wait_until_asleep();
  EXPECT_FALSE(sender.done());
  pair.near.shutdown();
  sender.join();
  EXPECT_EQ(status.code(), StatusCode::kCancelled);
}

TEST(SocketStream, EveryCallAfterShutdownSaysCancelled) {
  auto pair = connect_pair();
  pair.near.shutdown();
  char byte = 0;
  EXPECT_EQ(pair.near.send_all(&byte, 1).code(), StatusCode::kCancelled);
  EXPECT_EQ(pair.near.receive_all(&byte, 1).code(), StatusCode::kCancelled);
}

TEST(SocketStream, ASendTimesOutWhenThePeerTakesNothing) {
  auto pair = connect_pair();
  pair.near.set_send_timeout(milliseconds(50));
  std::vector<std::byte> bytes(kMoreThanBuffers);
  const Status status = pair.near.send_all(bytes.data(), bytes.size());
  EXPECT_EQ(status.code(), StatusCode::kTimedOut) << status.message();
}

TEST(SocketStream, ASlowPeerThatKeepsTakingIsNotTimedOut) {
  auto pair = connect_pair();
  pair.near.set_send_timeout(seconds(200));
  auto sent = random_bytes(kMoreThanBuffers / 2, 4);
  Status status;
  WatchedThread sender([&] { status = pair.near.send_all(sent.data(), sent.size()); });
  sender.wait_until_asleep();
  std::vector<std::byte> received(sent.size());
  EXPECT_TRUE(pair.far.receive_all(received.data(), received.size()).ok());
  sender.join();
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(received == sent);
}

TEST(SocketStream, AReceiveWithATimeLimitTimesOutAlthoughSomethingCame) {
  auto pair = connect_pair();
  ASSERT_TRUE(testing::send_text(pair.near, "abc").ok());
  char bytes[4];
  const Status status = pair.far.receive_all_within(bytes, sizeof(bytes), milliseconds(30));
  EXPECT_EQ(status.code(), StatusCode::kTimedOut) << status.message();
}

TEST(SocketStream, AReceiveWithATimeLimitCountsItsBytes) {
  auto pair = connect_pair();
  ASSERT_TRUE(testing::send_text(pair.near, "abcd").ok());
  char bytes[4];
  ASSERT_TRUE(pair.far.receive_all_within(bytes, sizeof(bytes), seconds(60)).ok());
  EXPECT_EQ(std::string(bytes, 4), "abcd");
  EXPECT_EQ(pair.far.bytes_received(), 4u);
}

TEST(SocketStream, ConnectingToAPortThatNobodyListensOnIsRefused) {
  std::uint16_t port = 0;
  {
    const testing::LoopbackPort closing;
    port = closing.port();
  }
  const auto connected = SocketStream::connect(TcpAddress{"127.0.0.1", port}, seconds(10));
  ASSERT_FALSE(connected.ok());
  EXPECT_EQ(connected.status().system_error(), ECONNREFUSED);
}

TEST(SocketStream, AHostThatHasNoAddressIsAnInvalidArgument) {
  const auto connected = SocketStream::connect(TcpAddress{"not a host name", 1}, seconds(10));
  ASSERT_FALSE(connected.ok());
  EXPECT_EQ(connected.status().code(), StatusCode::kInvalidArgument);
}

TEST(SocketStream, KnowsThatThePeerHasClosedOnceAllItSentWasReceived) {
  auto pair = connect_pair();
  EXPECT_FALSE(pair.far.peer_closed());
  ASSERT_TRUE(testing::send_text(pair.near, "a").ok());
  { const SocketStream closing = std::move(pair.near); }
  EXPECT_FALSE(pair.far.peer_closed());
  char byte;
  ASSERT_TRUE(pair.far.receive_all(&byte, 1).ok());
  testing::wait_until([&] { return pair.far.peer_closed(); });
}

TEST(SocketStream, TheLoopbackPeerIsLocal) {
  auto pair = connect_pair();
  EXPECT_TRUE(pair.near.peer_is_local());
  EXPECT_TRUE(pair.far.peer_is_local());
}

}  // namespace
}  // namespace pageferry
