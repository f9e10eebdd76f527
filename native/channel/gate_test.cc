#include "channel/gate.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <set>

#include "net/stream_test_util.h"
#include "os/thread_test_util.h"
#include "tls/tls_credentials_store.h"
#include "tls/tls_test_util.h"

namespace pageferry {
namespace {

using std::chrono::seconds;
using testing::connect_to;
using testing::receive_until_end;

constexpr MigrationId kId = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

wire::Preamble good_preamble(wire::Role role = wire::Role::kControl, std::uint32_t channel = 0) {
  return make_preamble(role, channel, kId);
}

// A gate on a free port that keeps what it was told.
class Port {
 public:
  // `credentials` null: without TLS.
  explicit Port(std::shared_ptr<TlsCredentialsStore> credentials = nullptr) {
    auto opened = Gate::open(
        TcpAddress{"127.0.0.1", 0}, std::move(credentials),
        [this](Arrival arrival) { keep(arrivals_, std::move(arrival)); },
        [this](Stranger who) { keep(strangers_, std::move(who.reason)); },
        [this](Status status) { keep(troubles_, std::move(status)); });
    EXPECT_TRUE(opened.ok()) << opened.status().message();
    gate_ = std::move(opened.value());
  }

  SocketStream connect() const { return connect_to(port_number()); }
  // From another address of this host.
  SocketStream connect_from(const char* host) const {
    return testing::connect_from(host, port_number());
  }
  Gate& gate() { return *gate_; }
  std::uint16_t port_number() const { return std::get<TcpAddress>(gate_->address()).port; }

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
  std::unique_ptr<Gate> gate_;
};

TEST(Gate, HandsOverAConnectionWhosePreambleIsOurs) {
  Port port;
  SocketStream source = port.connect();
  const auto preamble = good_preamble(wire::Role::kPage, 3);
  ASSERT_TRUE(source.send_all(&preamble, sizeof(preamble)).ok());
  Arrival arrival = port.next_arrival();
  EXPECT_EQ(arrival.preamble.role, wire::Role::kPage);
  EXPECT_EQ(arrival.preamble.channel, 3u);
  EXPECT_EQ(arrival.preamble.migration_id, kId);
  EXPECT_EQ(arrival.peer.rfind("127.0.0.1:", 0), 0u) << arrival.peer;
  ASSERT_TRUE(testing::send_text(*arrival.stream, "hello").ok());
  char hello[5];
  ASSERT_TRUE(source.receive_all(hello, sizeof(hello)).ok());
  EXPECT_EQ(std::string(hello, 5), "hello");
}

TEST(Gate, TakesAPreambleThatComesByteByByteAndWhatFollowsIsNotLost) {
  Port port;
  SocketStream source = port.connect();
  const auto preamble = good_preamble();
  for (std::size_t i = 0; i < sizeof(preamble); ++i) {
    ASSERT_TRUE(source.send_all(reinterpret_cast<const char*>(&preamble) + i, 1).ok());
  }
  ASSERT_TRUE(testing::send_text(source, "next").ok());
  Arrival arrival = port.next_arrival();
  char next[4];
  ASSERT_TRUE(arrival.stream->receive_all(next, sizeof(next)).ok());
  EXPECT_EQ(std::string(next, 4), "next");
}

TEST(Gate, AnswersAnotherVersionWithItsOwnAndCloses) {
  Port port;
  SocketStream source = port.connect();
  auto preamble = good_preamble();
  preamble.version = 9;
  ASSERT_TRUE(source.send_all(&preamble, sizeof(preamble)).ok());
  const auto answer = receive_until_end(source);
  ASSERT_EQ(answer.size(), sizeof(wire::PreambleReply));
  wire::PreambleReply reply;
  std::memcpy(&reply, answer.data(), sizeof(reply));
  EXPECT_EQ(reply.magic, wire::kMagic);
  EXPECT_EQ(reply.version, wire::kVersion);
  EXPECT_EQ(reply.status, wire::PreambleStatus::kVersionNotSupported);
  EXPECT_NE(port.next_stranger().find("version 9"), std::string::npos);
}

TEST(Gate, SaysWhichVersionItSpeaksBeforeAnotherOnesPreambleIsComplete) {
  Port port;
  SocketStream source = port.connect();
  auto preamble = good_preamble();
  preamble.version = 1;
  ASSERT_TRUE(source.send_all(&preamble, wire::kPreambleHeadBytes).ok());
  EXPECT_EQ(receive_until_end(source).size(), sizeof(wire::PreambleReply));
  EXPECT_NE(port.next_stranger().find("version 1"), std::string::npos);
}

TEST(Gate, HandsOverWhatTheSourceAsksForAndMayUse) {
  Port port;
  SocketStream source = port.connect();
  auto preamble = good_preamble();
  preamble.flags = wire::kFlagResume;
  preamble.features = ~0ull;
  ASSERT_TRUE(source.send_all(&preamble, sizeof(preamble)).ok());
  const Arrival arrival = port.next_arrival();
  EXPECT_EQ(arrival.preamble.flags, wire::kFlagResume);
  EXPECT_EQ(arrival.preamble.features, ~0ull);
}

TEST(Gate, ClosesOnAnotherProtocolAtOnceAndSaysNothing) {
  Port port;
  const std::string openings[] = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01", "PGFERRY\r",
                                  std::string(32, '\0'), "p"};
  for (const std::string& opening : openings) {
    SocketStream source = port.connect();
    ASSERT_TRUE(testing::send_text(source, opening).ok());
    EXPECT_TRUE(receive_until_end(source).empty()) << opening;
    EXPECT_NE(port.next_stranger().find("another protocol"), std::string::npos) << opening;
  }
}

TEST(Gate, ClosesOnAPreambleThatIsMalformedAndSaysNothing) {
  Port port;
  std::vector<wire::Preamble> malformed(7, good_preamble());
  malformed[0].role = static_cast<wire::Role>(0);
  malformed[1].role = static_cast<wire::Role>(4);
  malformed[2].flags = 2;
  malformed[3].channel = 1;  // a control channel has no number
  malformed[4] = good_preamble(wire::Role::kFault, 1);
  malformed[5] = good_preamble(wire::Role::kPage, 1);
  malformed[5].flags = wire::kFlagResume;
  malformed[6].flags = 0xff;
  for (const auto& preamble : malformed) {
    SocketStream source = port.connect();
    ASSERT_TRUE(source.send_all(&preamble, sizeof(preamble)).ok());
    EXPECT_TRUE(receive_until_end(source).empty());
    EXPECT_NE(port.next_stranger().find("malformed"), std::string::npos);
  }
}

TEST(Gate, AConnectionThatClosesBeforeItsPreambleIsCompleteIsAStranger) {
  Port port;
  const auto preamble = good_preamble();
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{8}, sizeof(preamble) - 1}) {
    {
      SocketStream source = port.connect();
      ASSERT_TRUE(source.send_all(&preamble, bytes).ok());
    }
    EXPECT_NE(port.next_stranger().find("closed"), std::string::npos);
  }
}

TEST(Gate, PreamblesThatStallAreDroppedAndHoldNobodyUp) {
  Port port;
  const auto preamble = good_preamble();
  SocketStream silent = port.connect();
  SocketStream partial = port.connect();
  ASSERT_TRUE(partial.send_all(&preamble, sizeof(preamble) - 1).ok());
  SocketStream prompt = port.connect();
  ASSERT_TRUE(prompt.send_all(&preamble, sizeof(preamble)).ok());
  const Arrival arrival = port.next_arrival();
  EXPECT_EQ(arrival.preamble.role, wire::Role::kControl);
  EXPECT_TRUE(receive_until_end(silent).empty());
  EXPECT_TRUE(receive_until_end(partial).empty());
  for (int i = 0; i < 2; ++i) {
    EXPECT_NE(port.next_stranger().find("no complete preamble"), std::string::npos);
  }
}

TEST(Gate, TakesManyConnectionsAtOnceEachOnce) {
  constexpr std::uint32_t kConnections = 300;
  // Together with the 32 that the gate accepts before it reads again, fewer than it keeps of one address.
  constexpr std::uint32_t kHalfSaid = 90;
  Port port;
  std::vector<SocketStream> sources;
  const auto say = [&](std::uint32_t i, std::size_t from) {
    const auto preamble = good_preamble(wire::Role::kPage, i);
    const auto* bytes = reinterpret_cast<const char*>(&preamble) + from;
    ASSERT_TRUE(sources[i].send_all(bytes, sizeof(preamble) / 2).ok());
  };
  for (std::uint32_t i = 0; i < kConnections; ++i) {
    if (i >= kHalfSaid) say(i - kHalfSaid, sizeof(wire::Preamble) / 2);
    sources.push_back(port.connect());
    say(i, 0);
  }
  for (std::uint32_t i = kConnections - kHalfSaid; i < kConnections; ++i) {
    say(i, sizeof(wire::Preamble) / 2);
  }
  std::set<std::uint32_t> channels;
  while (channels.size() < kConnections) {
    ASSERT_TRUE(channels.insert(port.next_arrival().preamble.channel).second);
  }
  EXPECT_EQ(port.waiting(), 0u);
}

TEST(Gate, WhoeverSaysNothingGivesWayToTheNextAndKeepsNobodyOut) {
  Port port;
  SocketStream first = port.connect();
  const auto preamble = good_preamble(wire::Role::kPage, 1);
  ASSERT_TRUE(first.send_all(&preamble, 8).ok());
  std::vector<SocketStream> silent;
  for (int i = 0; i < 1000; ++i) silent.push_back(port.connect());
  // The one that waits longest of the silent ones has gone, long before its time was over.
  EXPECT_TRUE(receive_until_end(silent.front()).empty());
  EXPECT_NE(port.next_stranger().find("others came since"), std::string::npos);
  // The one that had begun to speak came before them all, and stays.
  ASSERT_TRUE(
      first.send_all(reinterpret_cast<const char*>(&preamble) + 8, sizeof(preamble) - 8).ok());
  EXPECT_EQ(port.next_arrival().preamble.channel, 1u);
  SocketStream honest = port.connect();
  const auto second = good_preamble(wire::Role::kPage, 2);
  ASSERT_TRUE(honest.send_all(&second, sizeof(second)).ok());
  EXPECT_EQ(port.next_arrival().preamble.channel, 2u);
}

TEST(Gate, ThoseThatBeginAndSayNoMoreKeepNobodyOutWhoIsAboutToSpeak) {
  Port port;
  const auto preamble = good_preamble(wire::Role::kPage, 1);
  std::vector<SocketStream> begun;
  const auto begin = [&](int count) {
    for (int i = 0; i < count; ++i) {
      begun.push_back(port.connect());
      ASSERT_TRUE(begun.back().send_all(&preamble, 8).ok());
    }
  };
  begin(500);
  SocketStream honest = port.connect();
  // By then the ones that were there when it came have all given way.
  begin(500);
  EXPECT_TRUE(receive_until_end(begun[500]).empty());
  ASSERT_TRUE(honest.send_all(&preamble, sizeof(preamble)).ok());
  EXPECT_EQ(port.next_arrival().preamble.channel, 1u);
}

TEST(Gate, OneAddressThatFloodsLeavesTheOtherAddressesTheirConnections) {
  Port port;
  SocketStream other = port.connect_from("127.0.0.9");
  std::vector<SocketStream> flood;
  for (int i = 0; i < 1000; ++i) flood.push_back(port.connect());
  const auto preamble = good_preamble(wire::Role::kPage, 9);
  ASSERT_TRUE(other.send_all(&preamble, sizeof(preamble)).ok());
  const Arrival arrival = port.next_arrival();
  EXPECT_EQ(arrival.peer.rfind("127.0.0.9:", 0), 0u) << arrival.peer;
}

TEST(Gate, WithoutADescriptorLeftItWaitsAndThenAccepts) {
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
  address.sin_port = htons(port.port_number());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // The kernel completes the connection before anyone accepts it.
  const int connected =
      ::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
  const auto preamble = good_preamble();
  // Not over a stream: UBSan looks at an object's type with the help of a pipe.
  EXPECT_EQ(::send(client.get(), &preamble, sizeof(preamble), MSG_NOSIGNAL),
            static_cast<ssize_t>(sizeof(preamble)));
  const Status trouble = port.next_trouble();
  // It tries again and again, and says nothing more of it.
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  EXPECT_EQ(port.troubles(), 0U);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(trouble.system_error(), EMFILE);
  ASSERT_EQ(connected, 0);
  EXPECT_EQ(port.next_arrival().preamble.role, wire::Role::kControl);
}

TEST(Gate, CloseEndsConnectionsThatHaveNotSaidWhoTheyAre) {
  Port port;
  const auto preamble = good_preamble();
  SocketStream silent = port.connect();
  SocketStream partial = port.connect();
  ASSERT_TRUE(partial.send_all(&preamble, 12).ok());
  // Its arrival shows that the two before it were accepted.
  SocketStream last = port.connect();
  ASSERT_TRUE(last.send_all(&preamble, sizeof(preamble)).ok());
  (void)port.next_arrival();
  port.gate().close();
  EXPECT_TRUE(receive_until_end(silent).empty());
  EXPECT_TRUE(receive_until_end(partial).empty());
  port.gate().close();
  EXPECT_EQ(port.waiting(), 0u);
  EXPECT_FALSE(
      SocketStream::connect(TcpAddress{"127.0.0.1", port.port_number()}, seconds(10)).ok());
}

TEST(Gate, APortThatIsTakenIsRefusedWithTheReason) {
  Port port;
  const auto second = Gate::open(
      port.gate().address(), nullptr, [](Arrival) {}, [](Stranger) {}, [](Status) {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().system_error(), EADDRINUSE);
}

TEST(Gate, DoesNotOpenWhenTheSystemHasNoThreadLeft) {
  testing::ThreadLimit limit;
  limit.reach();
  const auto opened = Gate::open(
      TcpAddress{"127.0.0.1", 0}, nullptr, [](Arrival) {}, [](Stranger) {}, [](Status) {});
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.status().system_error(), EAGAIN) << opened.status().message();
}

// A gate with TLS, and a source that it lets in.
struct TlsGate {
  testing::Hosts hosts;
  Port port{open_store()};
  TlsCredentialsPtr source = testing::load(hosts.source);

  std::shared_ptr<TlsCredentialsStore> open_store() {
    auto store = TlsCredentialsStore::open(hosts.destination);
    EXPECT_TRUE(store.ok()) << store.status().message();
    return std::move(store.value());
  }
  Result<std::unique_ptr<TlsStream>> handshake() {
    return connect_tls(testing::owned(port.connect()), source, "localhost", testing::kLongEnough);
  }
  void expect_lets_in(Stream& stream, std::uint32_t channel) {
    const auto preamble = good_preamble(wire::Role::kPage, channel);
    ASSERT_TRUE(stream.send_all(&preamble, sizeof(preamble)).ok());
    EXPECT_EQ(port.next_arrival().preamble.channel, channel);
  }
};

// What a ClientHello begins with, and then no more.
const std::string kBeginOfHello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);

TEST(GateWithTls, HandsOverWhoHasDoneItsHandshakeAndSaidItsPreamble) {
  TlsGate gate;
  auto stream = gate.handshake();
  ASSERT_TRUE(stream.ok()) << stream.status().message();
  gate.expect_lets_in(*stream.value(), 3);
}

TEST(GateWithTls, HandshakesThatStallAreDroppedInTimeAndHoldNobodyUp) {
  TlsGate gate;
  SocketStream silent = gate.port.connect();
  SocketStream begun = gate.port.connect();
  ASSERT_TRUE(testing::send_text(begun, kBeginOfHello).ok());
  // Done with its handshake, and silent within.
  auto done = gate.handshake();
  ASSERT_TRUE(done.ok()) << done.status().message();
  auto prompt = gate.handshake();
  ASSERT_TRUE(prompt.ok()) << prompt.status().message();
  gate.expect_lets_in(*prompt.value(), 1);
  EXPECT_TRUE(receive_until_end(silent).empty());
  EXPECT_TRUE(receive_until_end(begun).empty());
  char byte = 0;
  EXPECT_EQ(done.value()->receive_all(&byte, 1).code(), StatusCode::kPeerClosed);
  for (int i = 0; i < 3; ++i) {
    EXPECT_NE(gate.port.next_stranger().find("no complete preamble"), std::string::npos);
  }
}

TEST(GateWithTls, HandshakesThatStallAreCountedAndGiveWayToThoseThatComeAfterThem) {
  TlsGate gate;
  std::vector<SocketStream> begun;
  for (int i = 0; i < 1000; ++i) {
    begun.push_back(gate.port.connect());
    ASSERT_TRUE(testing::send_text(begun.back(), kBeginOfHello).ok());
  }
  // Long before its time was over.
  EXPECT_TRUE(receive_until_end(begun.front()).empty());
  EXPECT_NE(gate.port.next_stranger().find("others came since"), std::string::npos);
  auto honest = gate.handshake();
  ASSERT_TRUE(honest.ok()) << honest.status().message();
  gate.expect_lets_in(*honest.value(), 2);
}

TEST(GateWithTls, SilentOnesLeaveAHandshakeThatIsUnderWayAlone) {
  TlsGate gate;
  SocketStream begun = gate.port.connect();
  ASSERT_TRUE(testing::send_text(begun, kBeginOfHello).ok());
  std::vector<SocketStream> silent;
  for (int i = 0; i < 500; ++i) silent.push_back(gate.port.connect());
  EXPECT_TRUE(receive_until_end(silent.front()).empty());
  EXPECT_FALSE(begun.peer_closed());
}

TEST(GateWithTls, APlainClientIsTurnedAwayWithoutAWordOnceItHasSpoken) {
  TlsGate gate;
  for (const std::string first : {"PGFERRY\n", "P", "GET / HTTP/1.1\r\n\r\n"}) {
    SocketStream plain = gate.port.connect();
    ASSERT_TRUE(testing::send_text(plain, first).ok());
    EXPECT_TRUE(receive_until_end(plain).empty()) << first;
    EXPECT_NE(gate.port.next_stranger().find("TLS"), std::string::npos) << first;
  }
}

TEST(Gate, AClientWithTlsIsTurnedAwayByOneWithoutItAndToldNothing) {
  testing::Hosts hosts;
  Port port;
  const auto connected = connect_tls(testing::owned(port.connect()), testing::load(hosts.source),
                                     "localhost", testing::kLongEnough);
  EXPECT_EQ(connected.status().reason(), tls_reason::kPlainServer) << connected.status().message();
  EXPECT_NE(port.next_stranger().find("another protocol"), std::string::npos);
}

}  // namespace
}  // namespace pageferry
