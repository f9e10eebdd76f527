#include "tls/tls_stream.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "os/contained.h"

namespace pageferry {

namespace {

std::size_t bytes_of(std::span<const iovec> parts) {
  std::size_t bytes = 0;
  for (const iovec& part : parts) bytes += part.iov_len;
  return bytes;
}

// Where one is in a list of parts, which stay as they are.
class Cursor {
 public:
  explicit Cursor(std::span<const iovec> parts) : parts_(parts) { skip_empty(); }

  bool at_end() const { return parts_.empty(); }
  // What is left of the part where one is.
  std::span<std::byte> here() const {
    auto* base = static_cast<std::byte*>(parts_.front().iov_base);
    return {base + offset_, parts_.front().iov_len - offset_};
  }
  void advance(std::size_t bytes) {
    offset_ += bytes;
    skip_empty();
  }

 private:
  void skip_empty() {
    while (!parts_.empty() && offset_ == parts_.front().iov_len) {
      parts_ = parts_.subspan(1);
      offset_ = 0;
    }
  }

  std::span<const iovec> parts_;
  std::size_t offset_ = 0;
};

}  // namespace

TlsStream::TlsStream(StreamPtr below, std::unique_ptr<TlsSession> session)
    : below_(std::move(below)), session_(std::move(session)) {}

TlsStream::~TlsStream() {
  if (!end_.ok() || !send_end_.ok() || !session_->outbox().empty()) return;
  (void)contained([this] {
    session_->say_goodbye();
    flush_now();
    return Status();
  });
}

void TlsStream::end_sending() {
  // No waiting: the thread may be one that must not. What does not go out now was not reported as sent either.
  session_->say_goodbye();
  flush_now();
  below_->end_sending();
}

Result<std::size_t> TlsStream::send_some(std::span<iovec> parts, Wait wait) {
  if (!send_end_.ok()) return send_end_;
  if (sealed_ == 0) {
    const auto sealed = seal(parts);
    if (!sealed.ok()) return sealed.status();
    sealed_ = sealed.value();
  }
  if (const Status flushed = flush(wait); !flushed.ok()) return send_end_ = why(flushed);
  if (!session_->outbox().empty()) return std::size_t{0};
  const std::size_t sent = std::min(sealed_, bytes_of(parts));
  sealed_ -= sent;
  return sent;
}

// As many records as the outbox has room for; answers how many bytes of the parts are in them.
Result<std::size_t> TlsStream::seal(std::span<const iovec> parts) {
  std::size_t sealed = 0;
  for (Cursor at(parts); !at.at_end() && session_->room() > 0;) {
    std::span<const std::byte> record =
        at.here().first(std::min(at.here().size(), kMaxPlaintextBytes));
    if (record.size() == kMaxPlaintextBytes) {
      at.advance(record.size());
    } else {
      std::size_t length = 0;
      while (length < gathered_.size() && !at.at_end()) {
        const std::size_t more = std::min(at.here().size(), gathered_.size() - length);
        std::memcpy(gathered_.data() + length, at.here().data(), more);
        length += more;
        at.advance(more);
      }
      record = std::span(gathered_).first(length);
    }
    if (Status put = session_->write(record.data(), record.size()); !put.ok()) return put;
    sealed += record.size();
  }
  return sealed;
}

Status TlsStream::flush(Wait wait) {
  CiphertextOutbox& outbox = session_->outbox();
  while (!outbox.empty()) {
    const auto held = outbox.held();
    if (wait != Wait::kNo) {
      if (Status sent = below_->send_all(held.data(), held.size()); !sent.ok()) return sent;
      outbox.sent(held.size());
      continue;
    }
    const auto sent = below_->send_available(held.data(), held.size());
    if (!sent.ok()) return sent.status();
    if (sent.value() == 0) return Status();
    outbox.sent(sent.value());
  }
  return Status();
}

void TlsStream::flush_now() {
  if (send_end_.ok()) send_end_ = flush(Wait::kNo);
}

// Receiving is over. The outbox may have the alert that tells the other side why.
void TlsStream::end(Status status) {
  end_ = std::move(status);
  flush_now();
}

// A peer that has closed may have said why before.
Status TlsStream::why(const Status& send_failure) {
  if (send_failure.code() != StatusCode::kPeerClosed) return send_failure;
  (void)peer_closed();
  return end_.reason().empty() ? send_failure : end_;
}

Result<std::size_t> TlsStream::receive_some(std::span<iovec> parts, Wait wait) {
  bool filled = false;
  while (true) {
    const auto opened = open(parts);
    if (!opened.ok() || opened.value() > 0) return opened;
    // What TLS has to answer, and what a send before could not get rid of.
    flush_now();
    // One look at the socket: a peer that sends what is no plaintext without end would keep the caller here.
    if (filled && wait == Wait::kNo) return std::size_t{0};
    const auto got = fill(wait);
    if (!got.ok()) return got;
    filled = got.value() > 0;
    if (!filled && wait == Wait::kNo) return std::size_t{0};
  }
}

// What is there without the socket. A record that is no plaintext opens to nothing.
Result<std::size_t> TlsStream::open(std::span<iovec> parts) {
  std::size_t opened = 0;
  for (Cursor at(parts); session_->holds_received() && end_.ok() && !at.at_end();) {
    const auto got = session_->read(at.here().data(), at.here().size());
    if (got.ok()) {
      opened += got.value();
      at.advance(got.value());
    } else {
      end(got.status());
    }
  }
  return end_.ok() || opened > 0 ? Result<std::size_t>(opened) : end_;
}

// Takes ciphertext from the socket; answers how much.
Result<std::size_t> TlsStream::fill(Wait wait) {
  const auto room = session_->inbox().room();
  auto received = wait == Wait::kNo ? below_->receive_available(room.data(), room.size())
                                    : below_->receive_first(room.data(), room.size());
  if (!received.ok()) return received;
  session_->inbox().received(received.value());
  return received;
}

bool TlsStream::holds_received() const { return !end_.ok() || session_->holds_received(); }

bool TlsStream::peer_closed() {
  if (holds_plaintext() || !end_.ok()) return !end_.ok();
  const auto got = fill(Wait::kNo);
  if (!got.ok()) return true;
  return !holds_plaintext() && !end_.ok();
}

bool TlsStream::holds_plaintext() {
  if (!end_.ok()) return false;
  const auto has = session_->has_plaintext();
  if (!has.ok()) end(has.status());
  return has.ok() && has.value();
}

}  // namespace pageferry
