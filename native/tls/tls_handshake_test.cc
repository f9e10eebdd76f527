#include "tls/tls_handshake.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <string>
#include <thread>

#include "tls/tls_credentials_store.h"
#include "tls/tls_test_util.h"

namespace pageferry {
namespace {

using testing::Ends;
using testing::Hosts;
using testing::kLongEnough;
using testing::load;
using testing::OtherTls;
using testing::shake_hands;
using testing::step_through;
using testing::TestCa;
using testing::TestFolder;
using testing::TlsPort;
using testing::write_files;

const std::string kKey = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const std::string kOtherKey = "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

// The reasons that both sides give.
struct Reasons {
  std::string_view client;
  std::string_view server;
};

Reasons reasons_of(const TlsFiles& client, const TlsFiles& server,
                   const std::string& name = "localhost") {
  const TlsPort port;
  const Ends ends = shake_hands(port, load(client), load(server), name);
  EXPECT_FALSE(ends.client.ok());
  EXPECT_FALSE(ends.server.ok());
  EXPECT_FALSE(ends.client.status().message().empty());
  EXPECT_EQ(::ERR_peek_error(), 0u) << "an error was left for the next call";
  return {ends.client.status().reason(), ends.server.status().reason()};
}

#define EXPECT_REASONS(reasons, of_client, of_server) \
  do {                                                \
    const Reasons found = reasons;                    \
    EXPECT_EQ(found.client, of_client);               \
    EXPECT_EQ(found.server, of_server);               \
  } while (false)

void expect_to_talk(Ends ends) {
  ASSERT_TRUE(ends.client.ok()) << ends.client.status().message();
  ASSERT_TRUE(ends.server.ok()) << ends.server.status().message();
  char text[5] = {};
  ASSERT_TRUE(ends.client.value()->send_all("ping", 4).ok());
  ASSERT_TRUE(ends.server.value()->receive_all(text, 4).ok());
  EXPECT_STREQ(text, "ping");
  ASSERT_TRUE(ends.server.value()->send_all("pong", 4).ok());
  ASSERT_TRUE(ends.client.value()->receive_all(text, 4).ok());
  EXPECT_STREQ(text, "pong");
}

// What the server makes of a client of another make, and the alert that this one gets (0: none).
struct Outcome {
  Status server;
  bool connected;
  int alert;
};

Outcome serve(OtherTls& client, const TlsFiles& server) {
  const TlsPort port;
  const auto near = port.connect();
  Result<std::unique_ptr<TlsStream>> accepted = Status(StatusCode::kSystem, "never ran");
  std::thread serving([&] {
    TlsAccept accept(port.accept(), load(server));
    accepted = step_through(accept);
  });
  bool connected = client.connect(near->fd());
  serving.join();
  if (connected) connected = client.read();
  const int error = ERR_GET_REASON(::ERR_peek_error());
  ::ERR_clear_error();
  return {accepted.status(), connected,
          error >= SSL_AD_REASON_OFFSET ? error - SSL_AD_REASON_OFFSET : 0};
}

// What the client makes of a server of another make.
Status call(OtherTls& server, const TlsFiles& client) {
  const TlsPort port;
  auto near = port.connect();
  const auto far = port.accept();
  std::thread serving([&] {
    if (server.accept(far->fd())) (void)server.read();
    ::ERR_clear_error();
  });
  auto connected = connect_tls(std::move(near), load(client), "localhost", kLongEnough);
  const Status status = connected.status();
  if (connected.ok()) connected.value().reset();
  far->shutdown();
  serving.join();
  return status;
}

TEST(TlsHandshake, TwoHostsOfOneCaTalk) {
  const Hosts hosts;
  const TlsPort port;
  expect_to_talk(shake_hands(port, load(hosts.source), load(hosts.destination)));
}

TEST(TlsHandshake, TheServerMayBeCalledByItsAddress) {
  const Hosts hosts;
  const TlsPort port;
  expect_to_talk(shake_hands(port, load(hosts.source), load(hosts.destination), "127.0.0.1"));
}

TEST(TlsHandshake, AServerOfAnotherNameIsRefused) {
  const Hosts hosts;
  for (const char* name : {"other-host", "127.0.0.2", "::1"}) {
    EXPECT_REASONS(reasons_of(hosts.source, hosts.destination, name), tls_reason::kWrongName,
                   tls_reason::kOtherFault);
  }
}

TEST(TlsHandshake, TheSubjectOfACertificateIsNoName) {
  Hosts hosts;
  const auto unnamed = hosts.ca.issue({.names = ""}, "localhost");
  const auto files = write_files(hosts.folder, "unnamed", unnamed, hosts.ca.certificate());
  EXPECT_REASONS(reasons_of(hosts.source, files), tls_reason::kWrongName, tls_reason::kOtherFault);
}

TEST(TlsHandshake, ANameThatNoCertificateCouldHaveIsTheCallersMistake) {
  const Hosts hosts;
  const TlsPort port;
  const auto connected = connect_tls(port.connect(), load(hosts.source), "", kLongEnough);
  EXPECT_EQ(connected.status().code(), StatusCode::kInvalidArgument);
}

TEST(TlsHandshake, ACertificateOfAForeignCaIsRefusedByEitherSide) {
  const Hosts hosts;
  TestCa foreign("another CA");
  const auto mine = foreign.issue({});
  X509* ca = const_cast<TestCa&>(hosts.ca).certificate();
  const auto stranger = write_files(hosts.folder, "stranger", mine, ca);
  EXPECT_REASONS(reasons_of(stranger, hosts.destination), tls_reason::kForeignCa,
                 tls_reason::kForeignCa);
  EXPECT_REASONS(reasons_of(hosts.source, stranger), tls_reason::kForeignCa,
                 tls_reason::kForeignCa);
}

TEST(TlsHandshake, ARevokedCertificateIsRefusedByEitherSide) {
  Hosts hosts;
  const auto lost = hosts.ca.issue({});
  const auto thief = write_files(hosts.folder, "thief", lost, hosts.ca.certificate());
  const auto list =
      hosts.folder.write("crl.pem", hosts.ca.revocation_list({lost.certificate.get()}));
  hosts.source.crl = hosts.destination.crl = list;
  EXPECT_REASONS(reasons_of(thief, hosts.destination), tls_reason::kRevoked, tls_reason::kRevoked);
  EXPECT_REASONS(reasons_of(hosts.source, thief), tls_reason::kRevoked, tls_reason::kRevoked);
  const TlsPort port;
  expect_to_talk(shake_hands(port, load(hosts.source), load(hosts.destination)));
}

TEST(TlsHandshake, ARevocationListOfAnotherCaIsThisSidesTrouble) {
  Hosts hosts;
  TestCa foreign("another CA");
  hosts.destination.crl = hosts.folder.write("crl.pem", foreign.revocation_list({}));
  EXPECT_REASONS(reasons_of(hosts.source, hosts.destination), tls_reason::kPeerTrouble,
                 tls_reason::kCrlMissing);
}

TEST(TlsHandshake, ACertificateForTheOtherSideOfAConnectionIsRefused) {
  Hosts hosts;
  X509* ca = hosts.ca.certificate();
  const auto serves =
      write_files(hosts.folder, "serves", hosts.ca.issue({.purposes = "serverAuth"}), ca);
  const auto calls =
      write_files(hosts.folder, "calls", hosts.ca.issue({.purposes = "clientAuth"}), ca);
  EXPECT_REASONS(reasons_of(serves, hosts.destination), tls_reason::kWrongPurpose,
                 tls_reason::kWrongPurpose);
  EXPECT_REASONS(reasons_of(hosts.source, calls), tls_reason::kWrongPurpose,
                 tls_reason::kWrongPurpose);
  const TlsPort port;
  expect_to_talk(shake_hands(port, load(calls), load(serves)));
}

TEST(TlsHandshake, OnlyAllowedPeersAreLetInWhereThereIsAList) {
  Hosts hosts;
  X509* ca = hosts.ca.certificate();
  const auto wild =
      write_files(hosts.folder, "wild", hosts.ca.issue({.names = "DNS:*.lab.example"}), ca);
  const auto address =
      write_files(hosts.folder, "addr", hosts.ca.issue({.names = "IP:10.0.0.7"}), ca);
  hosts.destination.allowed_peers = {"somebody", "a.lab.example", "10.0.0.7"};
  EXPECT_REASONS(reasons_of(hosts.source, hosts.destination), tls_reason::kNotAllowed,
                 tls_reason::kNotAllowed);
  // A wildcard would be in every list.
  EXPECT_REASONS(reasons_of(wild, hosts.destination), tls_reason::kNotAllowed,
                 tls_reason::kNotAllowed);
  const TlsPort port;
  expect_to_talk(shake_hands(port, load(address), load(hosts.destination)));
  hosts.destination.allowed_peers.push_back("source");
  expect_to_talk(shake_hands(port, load(hosts.source), load(hosts.destination)));
}

TEST(TlsHandshake, AClientWithoutACertificateIsRefused) {
  const Hosts hosts;
  OtherTls client;
  const Outcome outcome = serve(client, hosts.destination);
  EXPECT_EQ(outcome.server.reason(), tls_reason::kNoCertificate) << outcome.server.message();
  EXPECT_FALSE(outcome.connected);
  EXPECT_EQ(outcome.alert, SSL_AD_CERTIFICATE_REQUIRED);
}

TEST(TlsHandshake, ACertificateThatIsOutOfDateIsRefusedByEitherSide) {
  Hosts hosts;
  const struct {
    testing::Wanted wanted;
    std::string_view reason;
  } cases[] = {{{.from = -100, .until = -10}, tls_reason::kExpired},
               {{.from = 1000, .until = 2000}, tls_reason::kNotYetValid}};
  for (const auto& [wanted, reason] : cases) {
    const auto issued = hosts.ca.issue(wanted);
    OtherTls client;
    client.show(issued);
    const Outcome outcome = serve(client, hosts.destination);
    EXPECT_EQ(outcome.server.reason(), reason) << outcome.server.message();
    EXPECT_FALSE(outcome.connected);
    EXPECT_EQ(outcome.alert, SSL_AD_CERTIFICATE_EXPIRED);
    OtherTls server;
    server.show(issued);
    const Status status = call(server, hosts.source);
    EXPECT_EQ(status.reason(), reason) << status.message();
  }
}

TEST(TlsHandshake, WhoeverHasACertificateThatExpiredIsTold) {
  Hosts hosts;
  OtherTls server;
  server.show(hosts.ca.issue({}));
  server.take_protocol();
  server.judge(hosts.ca.certificate(), 5000);
  const Status status = call(server, hosts.source);
  EXPECT_EQ(status.reason(), tls_reason::kExpired) << status.message();
  OtherTls client;
  client.show(hosts.ca.issue({}));
  client.judge(hosts.ca.certificate(), 5000);
  const Outcome outcome = serve(client, hosts.destination);
  EXPECT_EQ(outcome.server.reason(), tls_reason::kExpired) << outcome.server.message();
}

PreSharedKeyFile key_file(const TestFolder& folder, const std::string& name,
                          const std::string& text) {
  return {folder.write(name, text + "\n")};
}

TEST(TlsHandshake, TwoHostsWithOnePreSharedKeyTalk) {
  const TestFolder folder;
  const auto key = key_file(folder, "key", "lab:" + kKey);
  const TlsPort port;
  expect_to_talk(shake_hands(port, load(key), load(key), "any name"));
}

TEST(TlsHandshake, APreSharedKeyThatDiffersIsRefused) {
  const TestFolder folder;
  const auto key = key_file(folder, "key", "lab:" + kKey);
  EXPECT_REASONS(reasons_of(key_file(folder, "other", "lab:" + kOtherKey), key),
                 tls_reason::kWrongKey, tls_reason::kWrongKey);
  EXPECT_REASONS(reasons_of(key_file(folder, "other", "den:" + kKey), key),
                 tls_reason::kUnknownIdentity, tls_reason::kUnknownIdentity);
}

TEST(TlsHandshake, CertificatesAndAPreSharedKeyDoNotMix) {
  const Hosts hosts;
  const auto key = key_file(hosts.folder, "key", "lab:" + kKey);
  EXPECT_REASONS(reasons_of(key, hosts.destination), tls_reason::kOtherCredentials,
                 tls_reason::kOtherCredentials);
  EXPECT_REASONS(reasons_of(hosts.source, key), tls_reason::kOtherCredentials,
                 tls_reason::kOtherCredentials);
}

TEST(TlsHandshake, AnythingOlderThanTls13IsRefused) {
  Hosts hosts;
  OtherTls client(TLS1_2_VERSION);
  client.show(hosts.ca.issue({}));
  const Outcome outcome = serve(client, hosts.destination);
  EXPECT_EQ(outcome.server.reason(), tls_reason::kOldVersion) << outcome.server.message();
  EXPECT_EQ(outcome.alert, SSL_AD_PROTOCOL_VERSION);
  OtherTls server(TLS1_2_VERSION);
  server.show(hosts.ca.issue({}));
  const Status status = call(server, hosts.source);
  EXPECT_EQ(status.reason(), tls_reason::kOldVersion) << status.message();
}

TEST(TlsHandshake, WhoSpeaksAnotherProtocolWithinTlsIsRefused) {
  Hosts hosts;
  OtherTls browser;
  browser.show(hosts.ca.issue({}));
  browser.set_protocol("\x02h2");
  const Outcome outcome = serve(browser, hosts.destination);
  EXPECT_EQ(outcome.server.reason(), tls_reason::kOtherProtocol) << outcome.server.message();
  EXPECT_EQ(outcome.alert, SSL_AD_NO_APPLICATION_PROTOCOL);
  OtherTls silent;
  silent.show(hosts.ca.issue({}));
  silent.set_protocol("");
  EXPECT_EQ(serve(silent, hosts.destination).server.reason(), tls_reason::kOtherProtocol);
  // A server that knows nothing of ALPN.
  OtherTls server;
  server.show(hosts.ca.issue({}));
  EXPECT_EQ(call(server, hosts.source).reason(), tls_reason::kOtherProtocol);
}

TEST(TlsAccept, APlainClientIsKnownByWhatItSendsFirstWithoutTheCredentials) {
  const std::string first[] = {"PGFERRY\n",
                               "P",
                               "GET / HTTP/1.1\r\n",
                               std::string("\x80\x2e\x01", 3),
                               "\x16 ",
                               std::string("\x16\x03\x01\x02\x00\x02", 6)};
  for (const std::string& text : first) {
    const TlsPort port;
    const auto near = port.connect();
    ASSERT_TRUE(near->send_all(text.data(), text.size()).ok());
    TlsAccept accept(port.accept(), nullptr);
    EXPECT_EQ(step_through(accept).status().reason(), tls_reason::kPlainClient) << text;
  }
}

TEST(TlsAccept, AClientThatClosesWithoutAWordIsNoPlainClient) {
  const TlsPort port;
  { const auto closing = port.connect(); }
  TlsAccept accept(port.accept(), nullptr);
  const Status status = step_through(accept).status();
  EXPECT_EQ(status.code(), StatusCode::kPeerClosed);
  EXPECT_TRUE(status.reason().empty());
}

TEST(ConnectTls, APlainServerIsKnownByItsAnswer) {
  const Hosts hosts;
  for (const std::string& answer : {std::string("PGFERRY\n"), std::string("220 smtp ready\r\n"),
                                    std::string("\x15PGFERRY"), std::string()}) {
    const TlsPort port;
    auto near = port.connect();
    auto far = port.accept();
    ASSERT_TRUE(far->send_all(answer.data(), answer.size()).ok());
    far->end_sending();
    const Status status =
        connect_tls(std::move(near), load(hosts.source), "localhost", kLongEnough).status();
    EXPECT_EQ(status.reason(), tls_reason::kPlainServer) << answer << ": " << status.message();
  }
}

TEST(ConnectTls, AServerThatSaysNothingIsGivenUpInTime) {
  const Hosts hosts;
  const TlsPort port;
  auto near = port.connect();
  const auto silent = port.accept();
  const auto connected =
      connect_tls(std::move(near), load(hosts.source), "localhost", std::chrono::milliseconds(30));
  EXPECT_EQ(connected.status().code(), StatusCode::kTimedOut);
}

TEST(ConnectTls, AServerThatTricklesIsGivenUpInTime) {
  const Hosts hosts;
  const TlsPort port;
  auto near = port.connect();
  auto far = port.accept();
  std::thread trickling([&] {
    const char header[] = {22, 3, 3, 64, 0};
    (void)far->send_all(header, sizeof(header));
    while (far->send_all("x", 1).ok()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  });
  const auto connected =
      connect_tls(std::move(near), load(hosts.source), "localhost", std::chrono::milliseconds(100));
  EXPECT_EQ(connected.status().code(), StatusCode::kTimedOut) << connected.status().message();
  trickling.join();
}

TEST(TlsHandshake, GarbageEndsItAndNothingElse) {
  const Hosts hosts;
  const auto server = load(hosts.destination);
  std::mt19937 random(21);
  for (int round = 0; round < 200; ++round) {
    const TlsPort port;
    const auto near = port.connect();
    std::string text = {22, 3, 1, 1, 0, 1};
    while (text.size() < 5 + 256) text += static_cast<char>(random());
    ASSERT_TRUE(near->send_all(text.data(), text.size()).ok());
    near->end_sending();
    TlsAccept accept(port.accept(), server);
    EXPECT_FALSE(step_through(accept).ok());
    EXPECT_EQ(::ERR_peek_error(), 0u);
  }
}

TEST(TlsHandshake, EightChannelsCostOneFullHandshake) {
  const Hosts hosts;
  const TlsPort port;
  const auto client = load(hosts.source);
  const auto server = load(hosts.destination);
  int full_for_client = 0;
  int full_for_server = 0;
  for (int channel = 0; channel < 8; ++channel) {
    Ends ends = shake_hands(port, client, server);
    ASSERT_TRUE(ends.client.ok()) << ends.client.status().message();
    ASSERT_TRUE(ends.server.ok()) << ends.server.status().message();
    full_for_client += ends.client.value()->resumed() ? 0 : 1;
    full_for_server += ends.server.value()->resumed() ? 0 : 1;
    // However a connection ends, the next one goes on with the session.
    if (channel % 2 == 1) ends.client.value()->shutdown();
    expect_to_talk(shake_hands(port, client, server));
  }
  EXPECT_EQ(full_for_client, 1);
  EXPECT_EQ(full_for_server, 1);
}

TEST(TlsHandshake, ChannelsThatAreOpenedAtOnceShareASession) {
  const Hosts hosts;
  const TlsPort port;
  const auto client = load(hosts.source);
  const auto server = load(hosts.destination);
  expect_to_talk(shake_hands(port, client, server));
  std::atomic<int> full{0};
  std::vector<std::thread> threads;
  for (int channel = 0; channel < 8; ++channel) {
    auto near = port.connect();
    auto far = port.accept();
    threads.emplace_back([&, near = std::move(near), far = std::move(far)]() mutable {
      Ends ends = shake_hands(std::move(near), std::move(far), client, server);
      ASSERT_TRUE(ends.client.ok()) << ends.client.status().message();
      ASSERT_TRUE(ends.server.ok()) << ends.server.status().message();
      if (!ends.client.value()->resumed() || !ends.server.value()->resumed()) ++full;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(full, 0);
}

TEST(TlsHandshake, ASessionIsForTheNameThatWasAskedFor) {
  const Hosts hosts;
  const TlsPort port;
  const auto client = load(hosts.source);
  const auto server = load(hosts.destination);
  expect_to_talk(shake_hands(port, client, server));
  const Ends other = shake_hands(port, client, server, "other-host");
  EXPECT_EQ(other.client.status().reason(), tls_reason::kWrongName);
}

TEST(TlsHandshake, AServerThatBeganAnewMakesAFullHandshakeOfAResumption) {
  const Hosts hosts;
  const TlsPort port;
  const auto client = load(hosts.source);
  expect_to_talk(shake_hands(port, client, load(hosts.destination)));
  const auto restarted = load(hosts.destination);
  const Ends again = shake_hands(port, client, restarted);
  ASSERT_TRUE(again.client.ok()) << again.client.status().message();
  EXPECT_FALSE(again.client.value()->resumed());
  const Ends third = shake_hands(port, client, restarted);
  ASSERT_TRUE(third.client.ok());
  EXPECT_TRUE(third.client.value()->resumed());
}

TEST(TlsCredentialsStore, WhoeverIsRevokedStaysOutFromTheReloadOnAndConnectionsThatStandGoOn) {
  Hosts hosts;
  const TlsPort port;
  hosts.destination.crl = hosts.folder.write("crl.pem", hosts.ca.revocation_list({}));
  auto store = TlsCredentialsStore::open(hosts.destination);
  ASSERT_TRUE(store.ok()) << store.status().message();
  const auto issued = hosts.ca.issue({});
  const auto client = load(write_files(hosts.folder, "leaver", issued, hosts.ca.certificate()));
  Ends standing = shake_hands(port, client, store.value()->current());
  hosts.folder.write("crl.pem", hosts.ca.revocation_list({issued.certificate.get()}));
  ASSERT_TRUE(store.value()->reload().ok());
  // Its session would have been resumed.
  const Ends refused = shake_hands(port, client, store.value()->current());
  EXPECT_EQ(refused.server.status().reason(), tls_reason::kRevoked);
  EXPECT_EQ(refused.client.status().reason(), tls_reason::kRevoked);
  expect_to_talk(std::move(standing));
}

TEST(TlsAccept, OneThreadServesManyHandshakesAmongThemSilentOnes) {
  const Hosts hosts;
  const TlsPort port;
  const auto client = load(hosts.source);
  const auto server = load(hosts.destination);
  constexpr int kClients = 12;
  std::vector<StreamPtr> silent;
  std::vector<std::unique_ptr<TlsAccept>> pending;
  std::vector<std::thread> clients;
  std::atomic<int> connected{0};
  for (int at = 0; at < kClients; ++at) {
    silent.push_back(port.connect());
    pending.push_back(std::make_unique<TlsAccept>(port.accept(), server));
    auto near = port.connect();
    pending.push_back(std::make_unique<TlsAccept>(port.accept(), server));
    clients.emplace_back([&, near = std::move(near)]() mutable {
      if (connect_tls(std::move(near), client, "localhost", kLongEnough).ok()) ++connected;
    });
  }
  // Half of one's first bytes, which is not enough to begin with.
  ASSERT_TRUE(silent[0]->send_all("\x16\x03\x01", 3).ok());
  int done = 0;
  while (done < kClients) {
    std::vector<pollfd> waiting;
    for (const auto& one : pending) waiting.push_back({one->fd(), POLLIN, 0});
    ASSERT_GT(::poll(waiting.data(), waiting.size(), 60'000), 0);
    std::size_t at = 0;
    std::erase_if(pending, [&](auto& one) {
      if (waiting[at++].revents == 0) return false;
      TlsStep step = one->step();
      if (auto* failed = std::get_if<Status>(&step)) ADD_FAILURE() << failed->message();
      if (!std::holds_alternative<std::unique_ptr<TlsStream>>(step)) return false;
      ++done;
      return true;
    });
  }
  for (std::thread& thread : clients) thread.join();
  EXPECT_EQ(connected, kClients);
  EXPECT_EQ(pending.size(), std::size_t{kClients});
}

// Gives a byte at a time, and takes one.
class TricklingStream : public testing::PassingStream {
 public:
  using PassingStream::PassingStream;

 private:
  Result<std::size_t> send_some(std::span<iovec> parts, Wait) override {
    return below_->send_available(parts[0].iov_base, 1);
  }
  Result<std::size_t> receive_some(std::span<iovec> parts, Wait) override {
    return below_->receive_available(parts[0].iov_base, 1);
  }
};

TEST(TlsHandshake, DoesNotMindHowItsBytesAreCut) {
  const Hosts hosts;
  const TlsPort port;
  auto near = port.connect();
  auto far = port.accept();
  expect_to_talk(shake_hands(std::make_unique<TricklingStream>(std::move(near)),
                             std::make_unique<TricklingStream>(std::move(far)), load(hosts.source),
                             load(hosts.destination)));
}

}  // namespace
}  // namespace pageferry
