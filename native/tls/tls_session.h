// One TLS connection without its socket: ciphertext comes from the inbox and goes to the outbox.
//
// Thread contract: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "crypto/error_queue.h"
#include "crypto/openssl_ptr.h"
#include "os/status.h"
#include "tls/ciphertext.h"
#include "tls/tls_credentials.h"

namespace pageferry {

struct TlsLimits {
  // The sending key is replaced each time so many records went out under it. These are 64 GiB: far below what AES-GCM
  // may protect under one key (2^24.5 records, RFC 8446, 5.5).
  std::uint64_t records_per_key = std::uint64_t{1} << 22;
};

class TlsSession {
 public:
  // `server_name` is the name or IP address that a client asks of the server's certificate; `server_key` is under what
  // it keeps the session. Both are empty for a server.
  static Result<std::unique_ptr<TlsSession>> begin(TlsRole role, TlsCredentialsPtr credentials,
                                                   const std::string& server_name,
                                                   std::string server_key, TlsLimits limits = {});
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  TlsRole role() const { return role_; }
  CiphertextInbox& inbox() { return inbox_; }
  const CiphertextInbox& inbox() const { return inbox_; }
  CiphertextOutbox& outbox() { return outbox_; }

  // Goes as far as the inbox and the outbox let it. True when both sides have proved who they are: a server knows
  // that with the client's last message, a client by the ticket that the server sends when it is content. After a
  // failure the outbox may hold the alert that tells the other side.
  Result<bool> handshake();
  // With large buffers from now on.
  void settle();
  bool resumed() const { return resumed_; }

  // At most so many bytes of plaintext; 0 when the inbox must have more first. kPeerClosed at the proper end.
  Result<std::size_t> read(void* into, std::size_t bytes);
  // True when read() would answer at least one byte.
  Result<bool> has_plaintext();
  // Plaintext, or whole records of what may be some.
  bool holds_received() const;

  // How much plaintext the outbox has room for, in whole records.
  std::size_t room() const;
  // At most as much as one record takes, and only when there is room.
  Status write(const void* from, std::size_t bytes);
  // Says that nothing more will be sent.
  void say_goodbye();

 private:
  friend struct TlsCallbacks;

  TlsSession(TlsRole role, TlsCredentialsPtr credentials, std::string server_name,
             std::string server_key, TlsLimits limits);
  Status set_up();
  Status expect_server();
  Result<bool> confirm();
  Status agreed() const;
  Status failure(const ErrorQueue& errors, int outcome, const char* what) const;
  Status failure_of(int tls_code) const;

  const TlsRole role_;
  const TlsCredentialsPtr credentials_;
  const std::string server_name_;
  const std::string server_key_;
  const TlsLimits limits_;
  CiphertextInbox inbox_;
  CiphertextOutbox outbox_;
  OpensslPtr<SSL> ssl_;
  enum class Stage { kHandshake, kTicket, kEstablished } stage_ = Stage::kHandshake;
  bool resumed_ = false;
  bool ticket_came_ = false;
  // What a callback found wrong, in its own words: OpenSSL reports only that the callback refused.
  Status refused_;
  std::uint64_t records_ = 0;
};

}  // namespace pageferry
