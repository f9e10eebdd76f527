#include "tls/tls_handshake.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "net/socket_address.h"
#include "os/wait_for.h"
#include "tls/tls_reason.h"

namespace pageferry {

namespace {

constexpr std::byte kAlertRecord{21};
constexpr std::byte kHandshakeRecord{22};
constexpr std::byte kTlsMajor{3};
constexpr std::byte kClientHello{1};

Status plain_server(const std::string& what) {
  return Status(StatusCode::kProtocol, "the server " + what + "; it may be one without TLS")
      .because(tls_reason::kPlainServer);
}

// What a server without TLS says first is no TLS record.
bool begins_like_tls(std::span<const std::byte> answer) {
  if (answer[0] != kHandshakeRecord && answer[0] != kAlertRecord) return false;
  return answer.size() < 2 || answer[1] == kTlsMajor;
}

// The server as a session is kept for it: what it was asked to be, and where it is.
std::string key_of(const Stream& stream, const std::string& server) {
  const auto address = peer_address(stream.fd());
  if (!address.ok()) return server;
  return server + '\n' +
         std::string(reinterpret_cast<const char*>(&address.value().storage),
                     address.value().bytes);
}

}  // namespace

TlsHandshake::TlsHandshake(StreamPtr stream, std::unique_ptr<TlsSession> session)
    : stream_(std::move(stream)), session_(std::move(session)) {}

TlsStep TlsHandshake::step() {
  while (true) {
    const Result<bool> done = session_->handshake();
    // After a failure too: the outbox has the alert that tells the other side.
    bool sent = false;
    const Status flushed = flush(sent);
    if (!done.ok()) return done.status();
    // The outbox may have been too small for all that there was to say.
    if (sent && !done.value()) continue;
    // A peer that has closed may have said why.
    const bool closed = flushed.code() == StatusCode::kPeerClosed;
    if (!flushed.ok() && !closed) return flushed;
    if (!closed && !session_->outbox().empty()) return WantsWrite();
    if (!closed && done.value()) {
      session_->settle();
      return std::make_unique<TlsStream>(std::move(stream_), std::move(session_));
    }
    const auto received = receive();
    if (!received.ok()) return received.status();
    if (received.value() == 0) return WantsRead();
  }
}

Status TlsHandshake::flush(bool& any) {
  CiphertextOutbox& outbox = session_->outbox();
  while (!outbox.empty()) {
    const auto held = outbox.held();
    const auto sent = stream_->send_available(held.data(), held.size());
    if (!sent.ok()) return sent.status();
    if (sent.value() == 0) return Status();
    outbox.sent(sent.value());
    any = true;
  }
  return Status();
}

Result<std::size_t> TlsHandshake::receive() {
  const bool first = stream_->bytes_received() == 0;
  const bool from_server = session_->role() == TlsRole::kClient;
  const auto room = session_->inbox().room();
  const auto received = stream_->receive_available(room.data(), room.size());
  if (received.status().code() == StatusCode::kPeerClosed) {
    if (first && from_server) return plain_server("closed the connection instead of answering");
    return Status(StatusCode::kPeerClosed,
                  "the peer closed the connection in the middle of the TLS handshake");
  }
  if (!received.ok() || received.value() == 0) return received;
  if (first && from_server && !begins_like_tls(room.first(received.value()))) {
    return plain_server("answers with something else than TLS");
  }
  session_->inbox().received(received.value());
  return received;
}

TlsAccept::TlsAccept(StreamPtr stream, TlsCredentialsPtr credentials)
    : stream_(std::move(stream)), credentials_(std::move(credentials)) {}

TlsStep TlsAccept::step() {
  if (!handshake_) {
    const auto whole = receive_first_bytes();
    if (!whole.ok()) return whole.status();
    if (!whole.value()) return WantsRead();
    auto session = TlsSession::begin(TlsRole::kServer, std::move(credentials_), {}, {});
    if (!session.ok()) return session.status();
    CiphertextInbox& inbox = session.value()->inbox();
    std::memcpy(inbox.room().data(), first_.data(), first_.size());
    inbox.received(first_.size());
    handshake_ = std::make_unique<TlsHandshake>(std::move(stream_), std::move(session.value()));
  }
  return handshake_->step();
}

// True when all of them are there. Each is judged as it comes, so that whoever sends less than all and waits is not
// kept either.
Result<bool> TlsAccept::receive_first_bytes() {
  const auto got = stream_->receive_available(first_.data() + received_, first_.size() - received_);
  if (!got.ok()) return got.status();
  received_ += got.value();
  const bool speaks_tls = (received_ < 1 || first_[0] == kHandshakeRecord) &&
                          (received_ < 2 || first_[1] == kTlsMajor) &&
                          (received_ < kFirstBytes || first_[5] == kClientHello);
  if (!speaks_tls) {
    return Status(StatusCode::kProtocol, "the client speaks something else than TLS")
        .because(tls_reason::kPlainClient);
  }
  return received_ == kFirstBytes;
}

Result<std::unique_ptr<TlsStream>> connect_tls(StreamPtr stream, TlsCredentialsPtr credentials,
                                               const std::string& server,
                                               std::chrono::milliseconds timeout) {
  const Deadline deadline = Deadline::clock::now() + timeout;
  const std::string key = key_of(*stream, server);
  auto session = TlsSession::begin(TlsRole::kClient, std::move(credentials), server, key);
  if (!session.ok()) return session.status();
  TlsHandshake handshake(std::move(stream), std::move(session.value()));
  while (true) {
    TlsStep step = handshake.step();
    if (auto* failed = std::get_if<Status>(&step)) return *failed;
    if (auto* done = std::get_if<std::unique_ptr<TlsStream>>(&step)) return std::move(*done);
    const Status ready = std::holds_alternative<WantsRead>(step)
                             ? wait_for_input(handshake.fd(), "TLS handshake", deadline)
                             : wait_for_room(handshake.fd(), "TLS handshake", deadline);
    if (!ready.ok()) return ready;
  }
}

}  // namespace pageferry
