#include "wire/listener.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <set>

#include "net/socket_test_util.h"
#include "os/thread_test_util.h"

namespace pageferry {
namespace {

using std::chrono::seconds;
using testing::connect_to;
using testing::receive_until_end;

constexpr std::array<std::uint8_t, 16> kId = {1, 2,  3,  4,  5,  6,  7,  8,
                                              9, 10, 11, 12, 13, 14, 15, 16};

wire::Preamble good_preamble(wire::Role role = wire::Role::kControl, std::uint32_t channel = 0) {
  return {.magic = wire::kMagic,
          .version = wire::kVersion,
          .role = role,
          .reserved = 0,
          .channel = channel,
          .migration_id = kId};
}

// A listener on a free port that keeps what it was told.
class Port {
 public:
  Port() {
    auto opened = Listener::open(
        "127.0.0.1", 0, [this](Arrival arrival) { keep(arrivals_, std::move(arrival)); },
        [this](std::string, std::string reason) { keep(strangers_, std::move(reason)); },
        [this](Status status) { keep(troubles_, std::move(status)); });
    EXPECT_TRUE(opened.ok()) << opened.status().message();
    listener_ = std::move(opened.value());
  }

  Socket connect() const { return connect_to(listener_->port()); }
  Listener& listener() { return *listener_; }

  // Each waits for the next one.
  Arrival next_arrival() { return next(arrivals_); }
  std::string next_stranger() { return next(strangers_); }
  Status next_trouble() { return next(troubles_); }
  std::size_t troubles() {
    const std::lock_guard lock(mutex_);
    return troubles_.size();
  }
  std::size_t waiting() {
    const std::lock_guard lock(mutex_);
    return arrivals_.size() + strangers_.size();
  }

 private:
  template <class T>
  void keep(std::vector<T>& list, T what) {
    const std::lock_guard lock(mutex_);
    list.push_back(std::move(what));
    changed_.notify_all();
  }

  template <class T>
  T next(std::vector<T>& list) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !list.empty(); });
    std::optional<T> first(std::move(list.front()));
    std::vector<T> rest;
    for (std::size_t i = 1; i < list.size(); ++i) rest.push_back(std::move(list[i]));
    list.swap(rest);
    return std::move(*first);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Arrival> arrivals_;
  std::vector<std::string> strangers_;
  std::vector<Status> troubles_;
  std::unique_ptr<Listener> listener_;
};

TEST(Listener, HandsOverAConnectionWhosePreambleIsOurs) {
  Port port;
  Socket source = port.connect();
  const auto preamble = good_preamble(wire::Role::kPage, 3);
  ASSERT_TRUE(source.send_all(&preamble, sizeof(preamble)).ok());
  Arrival arrival = port.next_arrival();
  EXPECT_EQ(arrival.preamble.role, wire::Role::kPage);
  EXPECT_EQ(arrival.preamble.channel, 3u);
  EXPECT_EQ(arrival.preamble.migration_id, kId);
  EXPECT_EQ(arrival.peer.rfind("127.0.0.1:", 0), 0u) << arrival.peer;
  ASSERT_TRUE(testing::send_text(arrival.socket, "hello").ok());
  char hello[5];
  ASSERT_TRUE(source.receive_all(hello, sizeof(hello)).ok());
  EXPECT_EQ(std::string(hello, 5), "hello");
}

TEST(Listener, TakesAPreambleThatComesByteByByteAndWhatFollowsIsNotLost) {
  Port port;
  Socket source = port.connect();
  source.set_no_delay();
  const auto preamble = good_preamble();
  for (std::size_t i = 0; i < sizeof(preamble); ++i) {
    ASSERT_TRUE(source.send_all(reinterpret_cast<const char*>(&preamble) + i, 1).ok());
  }
  ASSERT_TRUE(testing::send_text(source, "next").ok());
  Arrival arrival = port.next_arrival();
  char next[4];
  ASSERT_TRUE(arrival.socket.receive_all(next, sizeof(next)).ok());
  EXPECT_EQ(std::string(next, 4), "next");
}

TEST(Listener, AnswersAnotherVersionWithItsOwnAndCloses) {
  Port port;
  Socket source = port.connect();
  auto preamble = good_preamble();
  preamble.version = 2;
  ASSERT_TRUE(source.send_all(&preamble, sizeof(preamble)).ok());
  const auto answer = receive_until_end(source);
  ASSERT_EQ(answer.size(), sizeof(wire::PreambleReply));
  wire::PreambleReply reply;
  std::memcpy(&reply, answer.data(), sizeof(reply));
  EXPECT_EQ(reply.magic, wire::kMagic);
  EXPECT_EQ(reply.version, wire::kVersion);
  EXPECT_EQ(reply.status, wire::PreambleStatus::kVersionNotSupported);
  EXPECT_NE(port.next_stranger().find("version 2"), std::string::npos);
}

TEST(Listener, ClosesOnAnotherProtocolAtOnceAndSaysNothing) {
  Port port;
  const std::string openings[] = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01", "PGFERRY\r",
                                  std::string(32, '\0'), "p"};
  for (const std::string& opening : openings) {
    Socket source = port.connect();
    ASSERT_TRUE(testing::send_text(source, opening).ok());
    EXPECT_TRUE(receive_until_end(source).empty()) << opening;
    EXPECT_NE(port.next_stranger().find("another protocol"), std::string::npos) << opening;
  }
}

TEST(Listener, ClosesOnAPreambleThatIsMalformedAndSaysNothing) {
  Port port;
  std::vector<wire::Preamble> malformed(5, good_preamble());
  malformed[0].role = static_cast<wire::Role>(0);
  malformed[1].role = static_cast<wire::Role>(4);
  malformed[2].reserved = 1;
  malformed[3].channel = 1;  // a control channel has no number
  malformed[4] = good_preamble(wire::Role::kFault, 1);
  for (const auto& preamble : malformed) {
    Socket source = port.connect();
    ASSERT_TRUE(source.send_all(&preamble, sizeof(preamble)).ok());
    EXPECT_TRUE(receive_until_end(source).empty());
    EXPECT_NE(port.next_stranger().find("malformed"), std::string::npos);
  }
}

TEST(Listener, AConnectionThatClosesBeforeItsPreambleIsCompleteIsAStranger) {
  Port port;
  const auto preamble = good_preamble();
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{8}, sizeof(preamble) - 1}) {
    {
      Socket source = port.connect();
      ASSERT_TRUE(source.send_all(&preamble, bytes).ok());
    }
    EXPECT_NE(port.next_stranger().find("closed"), std::string::npos);
  }
}

TEST(Listener, PreamblesThatStallAreDroppedAndHoldNobodyUp) {
  Port port;
  const auto preamble = good_preamble();
  Socket silent = port.connect();
  Socket partial = port.connect();
  ASSERT_TRUE(partial.send_all(&preamble, sizeof(preamble) - 1).ok());
  Socket prompt = port.connect();
  ASSERT_TRUE(prompt.send_all(&preamble, sizeof(preamble)).ok());
  const Arrival arrival = port.next_arrival();
  EXPECT_EQ(arrival.preamble.role, wire::Role::kControl);
  EXPECT_TRUE(receive_until_end(silent).empty());
  EXPECT_TRUE(receive_until_end(partial).empty());
  for (int i = 0; i < 2; ++i) {
    EXPECT_NE(port.next_stranger().find("no complete preamble"), std::string::npos);
  }
}

TEST(Listener, TakesManyConnectionsAtOnceEachOnce) {
  constexpr std::uint32_t kConnections = 300;
  Port port;
  std::vector<Socket> sources;
  for (std::uint32_t i = 0; i < kConnections; ++i) {
    sources.push_back(port.connect());
    const auto preamble = good_preamble(wire::Role::kPage, i);
    ASSERT_TRUE(sources.back().send_all(&preamble, sizeof(preamble) / 2).ok());
    if (i < 200) continue;
    // The listener holds no more than so many half-said preambles: these first ones finish.
    const auto first = good_preamble(wire::Role::kPage, i - 200);
    ASSERT_TRUE(sources[i - 200].send_all(reinterpret_cast<const char*>(&first) + 16, 16).ok());
  }
  for (std::uint32_t i = 100; i < kConnections; ++i) {
    const auto preamble = good_preamble(wire::Role::kPage, i);
    ASSERT_TRUE(sources[i].send_all(reinterpret_cast<const char*>(&preamble) + 16, 16).ok());
  }
  std::set<std::uint32_t> channels;
  while (channels.size() < kConnections) {
    ASSERT_TRUE(channels.insert(port.next_arrival().preamble.channel).second);
  }
  EXPECT_EQ(port.waiting(), 0u);
}

TEST(Listener, WithoutADescriptorLeftItWaitsAndThenAccepts) {
  Port port;
  UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  // The lowest free descriptor is what the kernel gives, so none below this one is free. Not 0: poll() takes no
  // more descriptors than the limit.
  none.rlim_cur = static_cast<rlim_t>(client.get()) + 1;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port.listener().port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // The kernel completes the connection before anyone accepts it.
  const int connected =
      ::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
  Socket source(std::move(client));
  const auto preamble = good_preamble();
  EXPECT_TRUE(source.send_all(&preamble, sizeof(preamble)).ok());
  const Status trouble = port.next_trouble();
  // It tries again and again, and says nothing more of it.
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  EXPECT_EQ(port.troubles(), 0U);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(trouble.system_error(), EMFILE);
  ASSERT_EQ(connected, 0);
  EXPECT_EQ(port.next_arrival().preamble.role, wire::Role::kControl);
}

TEST(Listener, CloseEndsConnectionsThatHaveNotSaidWhoTheyAre) {
  Port port;
  const auto preamble = good_preamble();
  Socket silent = port.connect();
  Socket partial = port.connect();
  ASSERT_TRUE(partial.send_all(&preamble, 12).ok());
  // Its arrival shows that the two before it were accepted.
  Socket last = port.connect();
  ASSERT_TRUE(last.send_all(&preamble, sizeof(preamble)).ok());
  (void)port.next_arrival();
  port.listener().close();
  EXPECT_TRUE(receive_until_end(silent).empty());
  EXPECT_TRUE(receive_until_end(partial).empty());
  port.listener().close();
  EXPECT_EQ(port.waiting(), 0u);
  EXPECT_FALSE(Socket::connect("127.0.0.1", port.listener().port(), seconds(10)).ok());
}

TEST(Listener, APortThatIsTakenIsRefusedWithTheReason) {
  Port port;
  const auto second = Listener::open(
      "127.0.0.1", port.listener().port(), [](Arrival) {}, [](std::string, std::string) {},
      [](Status) {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().system_error(), EADDRINUSE);
}

TEST(OfferPreamble, EndsAsTheDestinationAnswers) {
  using wire::PreambleStatus;
  const std::pair<PreambleStatus, StatusCode> outcomes[] = {
      {PreambleStatus::kAccepted, StatusCode::kOk},
      {PreambleStatus::kVersionNotSupported, StatusCode::kUnsupported},
      {PreambleStatus::kUnknownMigration, StatusCode::kProtocol},
      {PreambleStatus::kBusy, StatusCode::kBusy},
      {static_cast<PreambleStatus>(9), StatusCode::kProtocol}};
  for (const auto& [answer, expected] : outcomes) {
    auto pair = testing::connect_pair();
    ASSERT_TRUE(answer_preamble(pair.far, answer).ok());
    const Status status = offer_preamble(pair.near, wire::Role::kFault, 0, kId, seconds(60));
    EXPECT_EQ(status.code(), expected) << status.message();
    wire::Preamble seen;
    ASSERT_TRUE(pair.far.receive_all(&seen, sizeof(seen)).ok());
    EXPECT_EQ(seen.role, wire::Role::kFault);
    EXPECT_EQ(seen.migration_id, kId);
  }
}

TEST(OfferPreamble, APeerThatIsNotOneOfUsIsAProtocolError) {
  auto speaks_first = testing::connect_pair();
  ASSERT_TRUE(testing::send_text(speaks_first.far, "220 smtp.example ESMTP ready\r\n").ok());
  EXPECT_EQ(offer_preamble(speaks_first.near, wire::Role::kControl, 0, kId, seconds(60)).code(),
            StatusCode::kProtocol);
  auto hangs_up = testing::connect_pair();
  ::shutdown(hangs_up.far.fd(), SHUT_WR);
  EXPECT_EQ(offer_preamble(hangs_up.near, wire::Role::kControl, 0, kId, seconds(60)).code(),
            StatusCode::kProtocol);
  auto reserved = testing::connect_pair();
  const wire::PreambleReply reply = {wire::kMagic, wire::kVersion, wire::PreambleStatus::kAccepted,
                                     1};
  ASSERT_TRUE(reserved.far.send_all(&reply, sizeof(reply)).ok());
  EXPECT_EQ(offer_preamble(reserved.near, wire::Role::kControl, 0, kId, seconds(60)).code(),
            StatusCode::kProtocol);
  auto silent = testing::connect_pair();
  const Status unanswered =
      offer_preamble(silent.near, wire::Role::kControl, 0, kId, std::chrono::milliseconds(20));
  EXPECT_EQ(unanswered.code(), StatusCode::kTimedOut);
  EXPECT_EQ(unanswered.system_error(), EAGAIN);
}

TEST(Listener, DoesNotOpenWhenTheSystemHasNoThreadLeft) {
  testing::ThreadLimit limit;
  limit.reach();
  const auto opened = Listener::open(
      "127.0.0.1", 0, [](Arrival) {}, [](std::string, std::string) {}, [](Status) {});
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.status().system_error(), EAGAIN) << opened.status().message();
}

}  // namespace
}  // namespace pageferry
