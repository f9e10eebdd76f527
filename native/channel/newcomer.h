// A connection that has not said yet who it is: its TLS handshake, where there is to be one, and its preamble.
//
// Thread contract: one thread, that of the gate.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "net/listening_socket.h"
#include "net/stream.h"
#include "tls/tls_credentials.h"
#include "tls/tls_handshake.h"
#include "wire/preamble.h"

namespace pageferry {

class Newcomer {
 public:
  using Clock = std::chrono::steady_clock;

  // `credentials` null: without TLS.
  Newcomer(Accepted accepted, const TlsCredentialsPtr& credentials, Clock::time_point came);

  const std::string& peer() const { return peer_; }
  const std::string& host() const { return host_; }
  Clock::time_point came() const { return came_; }
  // Nothing has come from it.
  bool is_silent() const { return silent_; }

  int fd() const;
  // What to poll() for.
  short events() const { return events_; }

  struct Waiting {};
  struct Refused {
    std::string reason;
  };
  struct Arrived {
    wire::Preamble preamble;
    StreamPtr stream;
  };
  using Step = std::variant<Waiting, Refused, Arrived>;
  // Once it is what it was polled for: takes what has come. After anything but Waiting there are no more steps.
  Step step();

 private:
  // The handshake is done when this answers nothing.
  std::optional<Step> shake_hands();
  Step read_preamble();

  std::string peer_;
  std::string host_;
  Clock::time_point came_;
  bool silent_ = true;
  short events_;
  std::unique_ptr<TlsAccept> handshake_;  // null: without TLS, or done
  StreamPtr stream_;                      // null until the handshake is done
  std::array<std::byte, sizeof(wire::Preamble)> preamble_ = {};
  std::size_t received_ = 0;
};

}  // namespace pageferry
