#include "tls/tls_stream.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "net/tee_stream.h"
#include "os/thread_test_util.h"
#include "tls/tls_test_util.h"

namespace pageferry {
namespace {

using testing::Ends;
using testing::Hosts;
using testing::kLongEnough;
using testing::load;
using testing::OtherTls;
using testing::PassingStream;
using testing::random_bytes;
using testing::shake_hands;
using testing::TlsPair;
using testing::TlsPort;
using testing::WatchedThread;

// More than loopback TCP buffers at both ends together.
constexpr std::size_t kMoreThanBuffers = std::size_t{64} << 20;

// Cuts `bytes` into parts of 0 to `most` bytes.
std::vector<iovec> cut(std::vector<std::byte>& bytes, std::size_t most, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<iovec> parts;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length = std::min<std::size_t>(random() % (most + 1), bytes.size() - at);
    parts.push_back({bytes.data() + at, length});
    at += length;
  }
  return parts;
}

bool wait_for_input(Stream& stream) {
  if (stream.holds_received()) return true;
  pollfd waiting = {.fd = stream.fd(), .events = POLLIN, .revents = 0};
  return ::poll(&waiting, 1, 60'000) > 0;
}

TEST(TlsStream, PartsOfAnySizeArriveInOrderThroughASmallSendBuffer) {
  TlsPair pair;
  pair.near->set_send_buffer(4096);
  for (const std::size_t most : {700u, 20'000u, 300'000u}) {
    auto sent = random_bytes(3 << 20, 1);
    auto parts = cut(sent, most, 2);
    std::thread sender([&] { EXPECT_TRUE(pair.near->send_all(parts).ok()); });
    std::vector<std::byte> received(sent.size());
    auto room = cut(received, most, 3);
    const Status status = pair.far->receive_all(room);
    sender.join();
    ASSERT_TRUE(status.ok()) << status.message();
    EXPECT_TRUE(received == sent);
  }
}

// A guest writes its pages while they are sent: what is sealed, and not taken yet, goes out as it was.
TEST(TlsStream, WhatATeeRecordsIsWhatWasSealedThoughTheMemoryChanges) {
  const testing::TestFolder folder;
  auto capture = CaptureFile::create(folder.path("capture"), CaptureFile::Side::kSource, 0);
  ASSERT_TRUE(capture.ok());
  TlsPair pair;
  pair.near->set_send_buffer(4096);
  TeeStream tee(std::move(pair.near), capture.value(), {CaptureFile::Role::kPage, 0});
  std::string memory(8u << 20, 'a');
  std::size_t taken = 0;
  while (true) {
    const auto sent = tee.send_available(memory.data() + taken, memory.size() - taken);
    ASSERT_TRUE(sent.ok());
    if (sent.value() == 0) break;
    taken += sent.value();
  }
  ASSERT_LT(taken, memory.size());
  std::ranges::fill(memory, 'b');
  std::thread sender(
      [&] { EXPECT_TRUE(tee.send_all(memory.data() + taken, memory.size() - taken).ok()); });
  std::string received(memory.size(), '\0');
  EXPECT_TRUE(pair.far->receive_all(received.data(), received.size()).ok());
  sender.join();
  ASSERT_TRUE(capture.value()->close().ok());
  std::ifstream file(folder.path("capture"), std::ios::binary);
  const std::string all(std::istreambuf_iterator<char>(file), {});
  constexpr std::size_t kHeadBytes = 24;
  constexpr std::size_t kBlockHeadBytes = 8;
  std::string captured;
  for (std::size_t at = kHeadBytes; at < all.size();) {
    std::uint32_t length = 0;
    std::memcpy(&length, &all[at + 4], sizeof(length));
    captured += all.substr(at + kBlockHeadBytes, length);
    at += kBlockHeadBytes + length;
  }
  EXPECT_TRUE(captured == received);
}

TEST(TlsStream, BothWaysAtOnceNothingIsLost) {
  TlsPair pair;
  const auto there = random_bytes(1 << 20, 4);
  const auto back = random_bytes(1 << 20, 5);
  const auto converse = [](TlsStream& stream, const std::vector<std::byte>& mine,
                           const std::vector<std::byte>& yours) {
    constexpr std::size_t kPiece = 10'000;
    std::vector<std::byte> received(yours.size());
    for (std::size_t at = 0; at < mine.size(); at += kPiece) {
      const std::size_t piece = std::min(kPiece, mine.size() - at);
      ASSERT_TRUE(stream.send_all(&mine[at], piece).ok());
      ASSERT_TRUE(stream.receive_all(&received[at], piece).ok());
    }
    EXPECT_TRUE(received == yours);
  };
  std::thread far([&] { converse(*pair.far, back, there); });
  converse(*pair.near, there, back);
  far.join();
}

TEST(TlsStream, CountsWhatIsOnTheWire) {
  TlsPair pair;
  const auto sent_before = pair.near->bytes_sent();
  const auto received_before = pair.far->bytes_received();
  EXPECT_GT(sent_before, 100u);
  EXPECT_EQ(sent_before, received_before);
  const auto sent = random_bytes(2 * kMaxPlaintextBytes, 6);
  ASSERT_TRUE(pair.near->send_all(sent.data(), sent.size()).ok());
  std::vector<std::byte> received(sent.size());
  ASSERT_TRUE(pair.far->receive_all(received.data(), received.size()).ok());
  // A header, the record's true type and a tag for each.
  EXPECT_EQ(pair.near->bytes_sent() - sent_before, sent.size() + 2 * (5 + 1 + 16));
  EXPECT_EQ(pair.far->bytes_received(), pair.near->bytes_sent());
  EXPECT_TRUE(pair.near->peer_is_local());
  EXPECT_TRUE(pair.near->round_trip().has_value());
}

// Counts the calls that reach the socket.
class CountingStream : public PassingStream {
 public:
  CountingStream(StreamPtr below, std::atomic<int>& sends)
      : PassingStream(std::move(below)), sends_(sends) {}

 private:
  Result<std::size_t> send_some(std::span<iovec> parts, Wait wait) override {
    ++sends_;
    return PassingStream::send_some(parts, wait);
  }
  std::atomic<int>& sends_;
};

TEST(TlsStream, BulkTakesFewSystemCalls) {
  const Hosts hosts;
  const TlsPort port;
  std::atomic<int> sends{0};
  auto near = std::make_unique<CountingStream>(port.connect(), sends);
  Ends ends =
      shake_hands(std::move(near), port.accept(), load(hosts.source), load(hosts.destination));
  ASSERT_TRUE(ends.client.ok() && ends.server.ok());
  sends = 0;
  auto sent = random_bytes(8 << 20, 7);
  // As a record of pages goes out: a header, a table, then page by page.
  std::vector<iovec> parts = {{sent.data(), 16}, {sent.data() + 16, 512}};
  for (std::size_t at = 528; at < sent.size(); at += 4096) {
    parts.push_back({&sent[at], std::min<std::size_t>(4096, sent.size() - at)});
  }
  std::thread sender([&] { EXPECT_TRUE(ends.client.value()->send_all(parts).ok()); });
  std::vector<std::byte> received(sent.size());
  ASSERT_TRUE(ends.server.value()->receive_all(received.data(), received.size()).ok());
  sender.join();
  EXPECT_TRUE(received == sent);
  EXPECT_LE(sends, 8 * 8);
}

TEST(TlsStream, HoldsReceivedWhatOneReceiveLeftOver) {
  TlsPair pair;
  EXPECT_FALSE(pair.far->holds_received());
  const auto sent = random_bytes(50'000, 8);
  ASSERT_TRUE(pair.near->send_all(sent.data(), sent.size()).ok());
  std::vector<std::byte> received;
  while (received.size() < sent.size()) {
    ASSERT_TRUE(wait_for_input(*pair.far));
    const bool held = pair.far->holds_received();
    std::byte some[1000];
    const auto got = pair.far->receive_available(some, sizeof(some));
    ASSERT_TRUE(got.ok()) << got.status().message();
    // What it holds is there to be had.
    EXPECT_TRUE(!held || got.value() > 0);
    received.insert(received.end(), some, some + got.value());
  }
  EXPECT_FALSE(pair.far->holds_received());
  EXPECT_TRUE(received == sent);
}

// Lets only so many bytes through for now.
class ValveStream : public PassingStream {
 public:
  ValveStream(StreamPtr below, std::atomic<std::size_t>& open)
      : PassingStream(std::move(below)), open_(open) {}

 private:
  Result<std::size_t> send_some(std::span<iovec> parts, Wait wait) override {
    if (wait != Wait::kNo) return PassingStream::send_some(parts, wait);
    const std::size_t bytes = std::min<std::size_t>(parts[0].iov_len, open_);
    if (bytes == 0) return std::size_t{0};
    open_ -= bytes;
    return below_->send_available(parts[0].iov_base, bytes);
  }
  std::atomic<std::size_t>& open_;
};

struct ValvePair {
  Hosts hosts;
  TlsPort port;
  std::atomic<std::size_t> open{1 << 20};
  std::unique_ptr<TlsStream> near;
  std::unique_ptr<TlsStream> far;

  ValvePair() {
    auto valve = std::make_unique<ValveStream>(port.connect(), open);
    Ends ends =
        shake_hands(std::move(valve), port.accept(), load(hosts.source), load(hosts.destination));
    near = std::move(ends.client.value());
    far = std::move(ends.server.value());
    open = 0;
  }
};

TEST(TlsStream, ARecordThatGoesOutInPartIsCountedOnceItHasGoneOut) {
  ValvePair pair;
  const auto sent = random_bytes(1000, 9);
  pair.open = 500;
  const auto first = pair.near->send_available(sent.data(), sent.size());
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first.value(), 0u);
  // Half a record is nothing yet, and nobody is told to read it again and again.
  ASSERT_TRUE(wait_for_input(*pair.far));
  std::vector<std::byte> received(sent.size());
  const auto half = pair.far->receive_available(received.data(), received.size());
  ASSERT_TRUE(half.ok());
  EXPECT_EQ(half.value(), 0u);
  EXPECT_FALSE(pair.far->holds_received());
  EXPECT_FALSE(pair.far->peer_closed());
  pair.open = 1 << 20;
  const auto second = pair.near->send_available(sent.data(), 600);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second.value(), 600u);
  const auto third = pair.near->send_available(sent.data() + 600, 400);
  ASSERT_TRUE(third.ok());
  EXPECT_EQ(third.value(), 400u);
  ASSERT_TRUE(pair.far->receive_all(received.data(), received.size()).ok());
  EXPECT_TRUE(received == sent);
}

TEST(TlsStream, SendsThatGoOutInPiecesOfAnySizeLoseNothing) {
  ValvePair pair;
  std::mt19937 random(10);
  const auto sent = random_bytes(2 << 20, 11);
  std::vector<std::byte> received(sent.size());
  std::thread receiver(
      [&] { EXPECT_TRUE(pair.far->receive_all(received.data(), received.size()).ok()); });
  std::size_t at = 0;
  while (at < sent.size()) {
    pair.open = random() % 40'000;
    const std::size_t more = std::min<std::size_t>(1 + random() % 100'000, sent.size() - at);
    if (random() % 8 == 0) {
      ASSERT_TRUE(pair.near->send_all(&sent[at], more).ok());
      at += more;
      continue;
    }
    const auto taken = pair.near->send_available(&sent[at], more);
    ASSERT_TRUE(taken.ok()) << taken.status().message();
    ASSERT_LE(taken.value(), more);
    at += taken.value();
  }
  receiver.join();
  EXPECT_TRUE(received == sent);
}

TEST(TlsStream, SendAvailableNeverWaits) {
  TlsPair pair;
  const auto sent = random_bytes(1 << 20, 12);
  std::size_t total = 0;
  int refused = 0;
  while (refused < 3) {
    const auto taken = pair.near->send_available(sent.data(), sent.size());
    ASSERT_TRUE(taken.ok());
    total += taken.value();
    refused = taken.value() == 0 ? refused + 1 : 0;
  }
  EXPECT_GT(total, 0u);
  EXPECT_LT(total, kMoreThanBuffers);
}

TEST(TlsStream, ReceivingFromAPeerThatClosesTooEarlySaysPeerClosed) {
  TlsPair pair;
  ASSERT_TRUE(pair.near->send_all("short", 5).ok());
  pair.near.reset();
  char bytes[6];
  EXPECT_EQ(pair.far->receive_all(bytes, sizeof(bytes)).code(), StatusCode::kPeerClosed);
  EXPECT_EQ(pair.far->receive_all_within(bytes, 1, kLongEnough).code(), StatusCode::kPeerClosed);
  EXPECT_EQ(pair.far->receive_available(bytes, 1).status().code(), StatusCode::kPeerClosed);
  EXPECT_TRUE(pair.far->peer_closed());
}

TEST(TlsStream, AnEndWithoutGoodbyeIsPeerClosedToo) {
  TlsPair pair;
  ASSERT_TRUE(pair.near->send_all("short", 5).ok());
  pair.near->shutdown();
  char bytes[6];
  EXPECT_EQ(pair.far->receive_all(bytes, sizeof(bytes)).code(), StatusCode::kPeerClosed);
  EXPECT_TRUE(pair.far->peer_closed());
}

TEST(TlsStream, WhoEndsSendingStillReceives) {
  TlsPair pair;
  ASSERT_TRUE(pair.near->send_all("all", 3).ok());
  pair.near->end_sending();
  char text[5] = {};
  ASSERT_TRUE(pair.far->receive_all(text, 3).ok());
  EXPECT_EQ(pair.far->receive_all(text, 1).code(), StatusCode::kPeerClosed);
  ASSERT_TRUE(pair.far->send_all("fine", 4).ok());
  ASSERT_TRUE(pair.near->receive_all(text, 4).ok());
  EXPECT_STREQ(text, "fine");
}

TEST(TlsStream, KnowsThatThePeerHasClosedOnceAllItSentWasReceived) {
  TlsPair pair;
  EXPECT_FALSE(pair.far->peer_closed());
  ASSERT_TRUE(pair.near->send_all("a", 1).ok());
  pair.near.reset();
  ASSERT_TRUE(wait_for_input(*pair.far));
  EXPECT_FALSE(pair.far->peer_closed());
  EXPECT_TRUE(pair.far->holds_received());
  char byte = 0;
  ASSERT_TRUE(pair.far->receive_all(&byte, 1).ok());
  EXPECT_EQ(byte, 'a');
  ASSERT_TRUE(wait_for_input(*pair.far));
  EXPECT_TRUE(pair.far->peer_closed());
}

TEST(TlsStream, SendingToAPeerThatHasClosedSaysPeerClosedAndRaisesNoSignal) {
  TlsPair pair;
  pair.far.reset();
  Status status;
  while (status.ok()) status = pair.near->send_all("into the void", 13);
  EXPECT_EQ(status.code(), StatusCode::kPeerClosed) << status.message();
  EXPECT_EQ(pair.near->send_all("again", 5).code(), StatusCode::kPeerClosed);
}

TEST(TlsStream, ShutdownEndsABlockedReceiveWithCancelled) {
  TlsPair pair;
  Status status;
  WatchedThread receiver([&] {
    char byte;
    status = pair.far->receive_all(&byte, 1);
  });
  receiver.wait_until_asleep();
  EXPECT_FALSE(receiver.done());
  pair.far->shutdown();
  receiver.join();
  EXPECT_EQ(status.code(), StatusCode::kCancelled);
}

TEST(TlsStream, ShutdownEndsABlockedSendWithCancelled) {
  TlsPair pair;
  std::vector<std::byte> bytes(kMoreThanBuffers);
  Status status;
  WatchedThread sender([&] { status = pair.near->send_all(bytes.data(), bytes.size()); });
  sender.wait_until_asleep();
  EXPECT_FALSE(sender.done());
  pair.near->shutdown();
  sender.join();
  EXPECT_EQ(status.code(), StatusCode::kCancelled);
}

TEST(TlsStream, EveryCallAfterShutdownSaysCancelled) {
  TlsPair pair;
  pair.near->shutdown();
  char byte = 0;
  EXPECT_EQ(pair.near->send_all(&byte, 1).code(), StatusCode::kCancelled);
  EXPECT_EQ(pair.near->receive_all(&byte, 1).code(), StatusCode::kCancelled);
  EXPECT_EQ(pair.near->receive_all_within(&byte, 1, kLongEnough).code(), StatusCode::kCancelled);
}

TEST(TlsStream, ASendTimesOutWhenThePeerTakesNothing) {
  TlsPair pair;
  pair.near->set_send_timeout(std::chrono::milliseconds(50));
  std::vector<std::byte> bytes(kMoreThanBuffers);
  const Status status = pair.near->send_all(bytes.data(), bytes.size());
  EXPECT_EQ(status.code(), StatusCode::kTimedOut) << status.message();
  // What went out in part is not gone on with.
  EXPECT_EQ(pair.near->send_all(bytes.data(), 1).code(), StatusCode::kTimedOut);
}

TEST(TlsStream, AReceiveWithATimeLimitTimesOutAlthoughSomethingCame) {
  TlsPair pair;
  ASSERT_TRUE(pair.near->send_all("abc", 3).ok());
  char bytes[4];
  const Status status = pair.far->receive_all_within(bytes, 4, std::chrono::milliseconds(30));
  EXPECT_EQ(status.code(), StatusCode::kTimedOut) << status.message();
}

TEST(TlsStream, AReceiveWithATimeLimitTakesWhatIsHeldAlready) {
  TlsPair pair;
  ASSERT_TRUE(pair.near->send_all("abcd", 4).ok());
  char bytes[4];
  ASSERT_TRUE(pair.far->receive_all(bytes, 1).ok());
  ASSERT_TRUE(pair.far->receive_all_within(bytes + 1, 3, std::chrono::seconds(10)).ok());
  EXPECT_EQ(std::string(bytes, 4).substr(1), "bcd");
}

TEST(TlsStream, WhatTheClientSentArrivesThoughItClosesAtOnceWithoutEverReceiving) {
  const Hosts hosts;
  const TlsPort port;
  const auto client = load(hosts.source);
  const auto server = load(hosts.destination);
  const auto sent = random_bytes(3 << 20, 13);
  // The first is a full handshake, the others are not.
  for (int channel = 0; channel < 4; ++channel) {
    Ends ends = shake_hands(port, client, server);
    ASSERT_TRUE(ends.client.ok() && ends.server.ok());
    std::vector<std::byte> received(sent.size());
    Status status;
    std::thread receiver(
        [&] { status = ends.server.value()->receive_all(received.data(), received.size()); });
    ASSERT_TRUE(ends.client.value()->send_all(sent.data(), sent.size()).ok());
    char byte = 0;
    EXPECT_EQ(::recv(ends.client.value()->fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT), -1)
        << "something lies unread where nobody receives";
    ends.client.value().reset();
    receiver.join();
    ASSERT_TRUE(status.ok()) << status.message();
    EXPECT_TRUE(received == sent);
  }
}

// What it costs on the wire to send 64 full records, where a client has these limits.
std::uint64_t cost_of_64_records(TlsLimits limits) {
  const Hosts hosts;
  const TlsPort port;
  auto session = TlsSession::begin(TlsRole::kClient, load(hosts.source), "localhost", {}, limits);
  EXPECT_TRUE(session.ok()) << session.status().message();
  TlsHandshake connecting(port.connect(), std::move(session.value()));
  TlsAccept accepting(port.accept(), load(hosts.destination));
  const auto sent = random_bytes(64 * kMaxPlaintextBytes, 14);
  std::vector<std::byte> received(sent.size());
  std::thread receiver([&] {
    const auto far = testing::step_through(accepting);
    ASSERT_TRUE(far.ok()) << far.status().message();
    EXPECT_TRUE(far.value()->receive_all(received.data(), received.size()).ok());
  });
  const auto near = testing::step_through(connecting);
  EXPECT_TRUE(near.ok()) << near.status().message();
  const auto before = near.value()->bytes_sent();
  EXPECT_TRUE(near.value()->send_all(sent.data(), sent.size()).ok());
  receiver.join();
  EXPECT_TRUE(received == sent);
  return near.value()->bytes_sent() - before;
}

TEST(TlsStream, ReplacesItsSendingKeyOnTheWay) {
  // A KeyUpdate is 5 bytes: a record of 27.
  EXPECT_EQ(cost_of_64_records({.records_per_key = 16}),
            cost_of_64_records({}) + 4 * (5 + 5 + 1 + 16));
}

// Gives so much at most with each receive, and counts them.
class RationedStream : public PassingStream {
 public:
  RationedStream(StreamPtr below, const std::size_t& ration, int& receives)
      : PassingStream(std::move(below)), ration_(ration), receives_(receives) {}

 private:
  Result<std::size_t> receive_some(std::span<iovec> parts, Wait) override {
    ++receives_;
    return below_->receive_available(parts[0].iov_base, std::min(ration_, parts[0].iov_len));
  }
  const std::size_t& ration_;
  int& receives_;
};

// Our client, and a server of another make that does what ours does not.
struct WithOther {
  Hosts hosts;
  std::size_t ration = SIZE_MAX;
  int receives = 0;
  TlsPort port;
  OtherTls server;
  StreamPtr far;
  std::unique_ptr<TlsStream> near;

  WithOther() {
    server.show(hosts.ca.issue({}));
    server.take_protocol();
    auto plain = std::make_unique<RationedStream>(port.connect(), ration, receives);
    far = port.accept();
    std::thread accepting([&] { EXPECT_TRUE(server.accept(far->fd())); });
    auto connected = connect_tls(std::move(plain), load(hosts.source), "localhost", kLongEnough);
    accepting.join();
    EXPECT_TRUE(connected.ok()) << connected.status().message();
    near = std::move(connected.value());
  }
};

TEST(TlsStream, KeyUpdatesAndTicketsInTheMiddleDisturbNothing) {
  WithOther pair;
  char text[5] = {};
  for (int turn = 0; turn < 20; ++turn) {
    ASSERT_EQ(::SSL_write(pair.server.ssl(), "ab", 2), 2);
    ASSERT_EQ(::SSL_key_update(pair.server.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    ASSERT_EQ(::SSL_do_handshake(pair.server.ssl()), 1);
    ASSERT_EQ(::SSL_new_session_ticket(pair.server.ssl()), 1);
    ASSERT_EQ(::SSL_write(pair.server.ssl(), "cd", 2), 2);
    ASSERT_TRUE(pair.near->receive_all(text, 4).ok());
    EXPECT_STREQ(text, "abcd");
    EXPECT_FALSE(pair.near->holds_received());
    ASSERT_TRUE(pair.near->send_all("pong", 4).ok());
    // It takes our answer to its request for a new key on the way.
    ASSERT_EQ(::SSL_read(pair.server.ssl(), text, 4), 4) << turn;
    EXPECT_STREQ(text, "pong");
  }
}

TEST(TlsStream, ATicketAloneIsNothingToReceiveAndNoEnd) {
  WithOther pair;
  ASSERT_EQ(::SSL_new_session_ticket(pair.server.ssl()), 1);
  ASSERT_EQ(::SSL_do_handshake(pair.server.ssl()), 1);
  ASSERT_TRUE(wait_for_input(*pair.near));
  char byte = 0;
  const auto got = pair.near->receive_available(&byte, 1);
  ASSERT_TRUE(got.ok()) << got.status().message();
  EXPECT_EQ(got.value(), 0u);
  EXPECT_FALSE(pair.near->holds_received());
  EXPECT_FALSE(pair.near->peer_closed());
}

TEST(TlsStream, WhatIsNoPlaintextKeepsNobodyWhoDoesNotWantToWait) {
  WithOther pair;
  for (int turn = 0; turn < 20; ++turn) {
    ASSERT_EQ(::SSL_key_update(pair.server.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    ASSERT_EQ(::SSL_do_handshake(pair.server.ssl()), 1);
  }
  ASSERT_EQ(::SSL_write(pair.server.ssl(), "end", 3), 3);
  pair.ration = 27;  // One KeyUpdate.
  char text[4] = {};
  for (int turn = 0; turn < 20; ++turn) {
    ASSERT_TRUE(wait_for_input(*pair.near));
    pair.receives = 0;
    const auto got = pair.near->receive_available(text, 3);
    ASSERT_TRUE(got.ok()) << got.status().message();
    EXPECT_EQ(got.value(), 0u);
    EXPECT_EQ(pair.receives, 1);
  }
  ASSERT_TRUE(pair.near->receive_all(text, 3).ok());
  EXPECT_STREQ(text, "end");
}

// Changes one byte of what comes, once it is told to.
class DamagingStream : public PassingStream {
 public:
  DamagingStream(StreamPtr below, std::atomic<bool>& damage)
      : PassingStream(std::move(below)), damage_(damage) {}

 private:
  Result<std::size_t> receive_some(std::span<iovec> parts, Wait wait) override {
    auto got = PassingStream::receive_some(parts, wait);
    if (got.ok() && got.value() > 0 && damage_.exchange(false)) {
      static_cast<char*>(parts[0].iov_base)[got.value() / 2] ^= 1;
    }
    return got;
  }
  std::atomic<bool>& damage_;
};

TEST(TlsStream, WhatWasChangedOnItsWayIsNotReceivedAndBothSidesSaySo) {
  const Hosts hosts;
  const TlsPort port;
  std::atomic<bool> damage{false};
  auto near = port.connect();
  auto far = std::make_unique<DamagingStream>(port.accept(), damage);
  Ends ends =
      shake_hands(std::move(near), std::move(far), load(hosts.source), load(hosts.destination));
  ASSERT_TRUE(ends.client.ok() && ends.server.ok());
  damage = true;
  ASSERT_TRUE(ends.client.value()->send_all("abcdefgh", 8).ok());
  char bytes[8] = {};
  const Status status = ends.server.value()->receive_all(bytes, sizeof(bytes));
  EXPECT_EQ(status.reason(), tls_reason::kDamaged) << status.message();
  EXPECT_EQ(std::string(bytes, 8), std::string(8, '\0'));
  EXPECT_EQ(ends.server.value()->receive_available(bytes, 1).status().reason(),
            tls_reason::kDamaged);
  EXPECT_TRUE(ends.server.value()->holds_received()) << "nobody would look for the end";
  const Status told = ends.client.value()->receive_all(bytes, 1);
  EXPECT_EQ(told.reason(), tls_reason::kDamaged) << told.message();
  EXPECT_EQ(::ERR_peek_error(), 0u);
}

TEST(TlsStream, AnErrorThatOthersLeftBehindIsNotTakenForItsOwn) {
  TlsPair pair;
  char byte = 0;
  ERR_raise(ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED);
  EXPECT_FALSE(pair.far->peer_closed());
  ERR_raise(ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED);
  const auto nothing = pair.far->receive_available(&byte, 1);
  ASSERT_TRUE(nothing.ok()) << nothing.status().message();
  EXPECT_EQ(nothing.value(), 0u);
  ERR_raise(ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED);
  ASSERT_TRUE(pair.near->send_all("a", 1).ok());
  ASSERT_TRUE(pair.far->receive_all(&byte, 1).ok());
  EXPECT_EQ(::ERR_peek_error(), 0u);
}

TEST(TlsStream, WhatThePlainConnectionWouldShowIsNowhereOnTheWire) {
  TlsPair pair;
  const std::string secret = "a page that nobody else may read";
  ASSERT_TRUE(pair.near->send_all(secret.data(), secret.size()).ok());
  char bytes[1000];
  ASSERT_TRUE(wait_for_input(*pair.far));
  const ssize_t peeked = ::recv(pair.far->fd(), bytes, sizeof(bytes), MSG_PEEK);
  ASSERT_GT(peeked, 0);
  EXPECT_EQ(std::string(bytes, static_cast<std::size_t>(peeked)).find(secret), std::string::npos);
}

}  // namespace
}  // namespace pageferry
