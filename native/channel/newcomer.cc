#include "channel/newcomer.h"

#include <poll.h>

#include <utility>

#include "channel/greeting.h"

namespace pageferry {

Newcomer::Newcomer(Accepted accepted, const TlsCredentialsPtr& credentials, Clock::time_point came)
    : peer_(std::move(accepted.peer)),
      host_(std::move(accepted.host)),
      came_(came),
      events_(POLLIN),
      stream_(std::make_unique<SocketStream>(std::move(accepted.stream))) {
  if (credentials != nullptr) {
    handshake_ = std::make_unique<TlsAccept>(std::move(stream_), credentials);
  }
}

int Newcomer::fd() const { return handshake_ != nullptr ? handshake_->fd() : stream_->fd(); }

Newcomer::Step Newcomer::step() {
  silent_ = false;
  if (handshake_ != nullptr) {
    if (auto pending = shake_hands(); pending.has_value()) return std::move(*pending);
  }
  return read_preamble();
}

std::optional<Newcomer::Step> Newcomer::shake_hands() {
  TlsStep step = handshake_->step();
  if (const auto* failed = std::get_if<Status>(&step)) return Refused{failed->message()};
  if (auto* done = std::get_if<std::unique_ptr<TlsStream>>(&step)) {
    stream_ = std::move(*done);
    handshake_.reset();
    events_ = POLLIN;
    return std::nullopt;
  }
  events_ = std::holds_alternative<WantsWrite>(step) ? POLLOUT : POLLIN;
  return Waiting{};
}

Newcomer::Step Newcomer::read_preamble() {
  do {
    const auto room = std::span(preamble_).subspan(received_);
    const auto got = stream_->receive_available(room.data(), room.size());
    if (!got.ok()) {
      const bool closed = got.status().code() == StatusCode::kPeerClosed;
      return Refused{closed ? "closed before its preamble was complete" : got.status().message()};
    }
    received_ += got.value();
    const auto verdict = judge_preamble(std::span(preamble_).first(received_));
    if (const auto* refused = std::get_if<PreambleRefused>(&verdict)) {
      if (refused->speaks_another_version) {
        (void)answer_preamble(*stream_, wire::PreambleStatus::kVersionNotSupported);
      }
      return Refused{refused->reason};
    }
    if (const auto* preamble = std::get_if<wire::Preamble>(&verdict)) {
      return Arrived{*preamble, std::move(stream_)};
    }
    // What TLS holds already makes no descriptor ready.
  } while (stream_->holds_received());
  return Waiting{};
}

}  // namespace pageferry
