// A TLS handshake over a stream that never waits: whoever has many of them under way in one thread polls between
// the steps, and ends the one that takes too long by destroying it.
//
// Thread contract: one thread at a time.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <variant>

#include "net/stream.h"
#include "os/status.h"
#include "tls/tls_credentials.h"
#include "tls/tls_session.h"
#include "tls/tls_stream.h"

namespace pageferry {

// Of the stream's descriptor.
struct WantsRead {};
struct WantsWrite {};

// The stream when it is done, or why there will be none. After either there are no more steps.
using TlsStep = std::variant<std::unique_ptr<TlsStream>, WantsRead, WantsWrite, Status>;

// Either side's, from the first byte that TLS has to send or to judge.
class TlsHandshake {
 public:
  TlsHandshake(StreamPtr stream, std::unique_ptr<TlsSession> session);

  int fd() const { return stream_->fd(); }
  TlsStep step();

 private:
  // `any` is set when something went out.
  Status flush(bool& any);
  Result<std::size_t> receive();

  StreamPtr stream_;
  std::unique_ptr<TlsSession> session_;
};

// A server's. Until the first bytes look like a ClientHello it costs a descriptor and some bytes: whoever
// speaks another protocol, or nothing, makes OpenSSL do nothing.
class TlsAccept {
 public:
  TlsAccept(StreamPtr stream, TlsCredentialsPtr credentials);

  int fd() const { return stream_ ? stream_->fd() : handshake_->fd(); }
  TlsStep step();

 private:
  // The header of a record and of the message in it: handshake, TLS, two bytes of length, client_hello.
  static constexpr std::size_t kFirstBytes = 6;

  Result<bool> receive_first_bytes();

  StreamPtr stream_;  // until the handshake has it
  TlsCredentialsPtr credentials_;
  std::array<std::byte, kFirstBytes> first_ = {};
  std::size_t received_ = 0;
  std::unique_ptr<TlsHandshake> handshake_;
};

// A client's, which waits: for the whole of it no longer than `timeout`. `server` is the name or the address under
// which the server was looked for; its certificate has to be for it. A pre-shared key asks for no name.
Result<std::unique_ptr<TlsStream>> connect_tls(StreamPtr stream, TlsCredentialsPtr credentials,
                                               const std::string& server,
                                               std::chrono::milliseconds timeout);

}  // namespace pageferry
