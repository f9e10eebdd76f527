#include "tls/tls_session.h"

#include <openssl/err.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "tls/tls_names.h"
#include "tls/tls_reason.h"

namespace pageferry {

namespace {

// Before the other side has proved who it is, it costs no more than it must.
constexpr std::size_t kHandshakeBytes = std::size_t{32} << 10;
// As much as a socket gives at once, and what sealing 128 KiB makes.
constexpr std::size_t kInboxBytes = std::size_t{256} << 10;
constexpr std::size_t kRecordsTogether = 8;
// For what OpenSSL sends of its own accord: the answers to key updates.
constexpr std::size_t kSpareBytes = 1024;
constexpr std::size_t kOutboxBytes = kRecordsTogether * kMaxRecordBytes + kSpareBytes;
// What OpenSSL adds to the number of an alert that came, to make an error of it.
constexpr int kAlertOffset = SSL_AD_REASON_OFFSET;

TlsSession& session_of(BIO* bio) { return *static_cast<TlsSession*>(::BIO_get_data(bio)); }

int take_ciphertext(BIO* bio, char* into, int bytes) {
  BIO_clear_retry_flags(bio);
  const auto taken = session_of(bio).inbox().take(into, static_cast<std::size_t>(bytes));
  if (taken > 0) return static_cast<int>(taken);
  BIO_set_retry_read(bio);
  return -1;
}

int put_ciphertext(BIO* bio, const char* from, int bytes) {
  BIO_clear_retry_flags(bio);
  const auto put = session_of(bio).outbox().put(from, static_cast<std::size_t>(bytes));
  if (put > 0) return static_cast<int>(put);
  BIO_set_retry_write(bio);
  return -1;
}

long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

// One for the process; null when there was no memory for it.
const BIO_METHOD* bio_method() {
  static const BIO_METHOD* const kMethod = [] {
    BIO_METHOD* method = ::BIO_meth_new(::BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "pageferry");
    if (method == nullptr) return method;
    ::BIO_meth_set_read(method, take_ciphertext);
    ::BIO_meth_set_write(method, put_ciphertext);
    ::BIO_meth_set_ctrl(method, control);
    return method;
  }();
  return kMethod;
}

Status no_memory() { return Status(StatusCode::kNoMemory, "no memory for a TLS connection"); }

bool is_address(const std::string& name) {
  ASN1_OCTET_STRING* address = ::a2i_IPADDRESS(name.c_str());
  ::ASN1_OCTET_STRING_free(address);
  return address != nullptr;
}

}  // namespace

Result<std::unique_ptr<TlsSession>> TlsSession::begin(TlsRole role, TlsCredentialsPtr credentials,
                                                      const std::string& server_name,
                                                      std::string server_key, TlsLimits limits) {
  std::unique_ptr<TlsSession> session(
      new TlsSession(role, std::move(credentials), server_name, std::move(server_key), limits));
  if (Status set = session->set_up(); !set.ok()) return set;
  return session;
}

TlsSession::TlsSession(TlsRole role, TlsCredentialsPtr credentials, std::string server_name,
                       std::string server_key, TlsLimits limits)
    : role_(role),
      credentials_(std::move(credentials)),
      server_name_(std::move(server_name)),
      server_key_(std::move(server_key)),
      limits_(limits),
      inbox_(kHandshakeBytes),
      outbox_(kHandshakeBytes) {}

Status TlsSession::set_up() {
  const ErrorQueue errors;
  ssl_.reset(::SSL_new(credentials_->context()));
  if (!ssl_ || bio_method() == nullptr || SSL_set_app_data(ssl_.get(), this) != 1) {
    return no_memory();
  }
  BIO* bio = ::BIO_new(bio_method());
  if (bio == nullptr) return no_memory();
  ::BIO_set_data(bio, this);
  ::BIO_set_init(bio, 1);
  ::SSL_set_bio(ssl_.get(), bio, bio);
  if (role_ == TlsRole::kServer) {
    ::SSL_set_accept_state(ssl_.get());
    return Status();
  }
  ::SSL_set_connect_state(ssl_.get());
  return credentials_->proof() == TlsProof::kCertificates ? expect_server() : Status();
}

// A client's: whose certificate it has to be.
Status TlsSession::expect_server() {
  X509_VERIFY_PARAM* asked = ::SSL_get0_param(ssl_.get());
  ::X509_VERIFY_PARAM_set_hostflags(
      asked, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  const bool set = is_address(server_name_)
                       ? ::X509_VERIFY_PARAM_set1_ip_asc(asked, server_name_.c_str()) == 1
                       : !server_name_.empty() &&
                             ::X509_VERIFY_PARAM_set1_host(asked, server_name_.data(),
                                                           server_name_.size()) == 1 &&
                             SSL_set_tlsext_host_name(ssl_.get(), server_name_.c_str()) == 1;
  if (!set) {
    return Status(StatusCode::kInvalidArgument,
                  "'" + server_name_ + "' is no name that a server's certificate could be for");
  }
  const OpensslPtr<SSL_SESSION> last = credentials_->sessions().find(server_key_);
  if (last) ::SSL_set_session(ssl_.get(), last.get());
  return Status();
}

Result<bool> TlsSession::handshake() {
  const ErrorQueue errors;
  if (stage_ == Stage::kHandshake) {
    const int outcome = ::SSL_do_handshake(ssl_.get());
    if (outcome != 1) {
      const int error = ::SSL_get_error(ssl_.get(), outcome);
      if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return false;
      // A session that fails is not tried again.
      if (role_ == TlsRole::kClient) credentials_->sessions().forget(server_key_);
      return failure(errors, outcome, "the TLS handshake failed");
    }
    resumed_ = ::SSL_session_reused(ssl_.get()) == 1;
    if (Status good = agreed(); !good.ok()) return good;
    const bool confirms = credentials_->proof() == TlsProof::kCertificates && !resumed_;
    stage_ = confirms ? Stage::kTicket : Stage::kEstablished;
  }
  return stage_ == Stage::kEstablished ? Result<bool>(true) : confirm();
}

// A full handshake with certificates ends with a ticket. Without it a client could not tell that the server has
// accepted its certificate, which it shows last. And since the client waits for it, and is sent no other one, nothing
// lies unread in its socket when it closes: that would reset the connection, and what it sent last would be lost.
Result<bool> TlsSession::confirm() {
  if (role_ == TlsRole::kServer) {
    if (::SSL_new_session_ticket(ssl_.get()) != 1) return no_memory();
    const ErrorQueue errors;
    const int outcome = ::SSL_do_handshake(ssl_.get());
    // One small record always has room: the outbox was emptied after the message before.
    if (outcome != 1) return failure(errors, outcome, "the TLS handshake failed");
  } else {
    // A server that has closed since is what the first receive will tell.
    const Result<bool> has = has_plaintext();
    if (!ticket_came_ && (!has.ok() || !has.value())) return has;
  }
  stage_ = Stage::kEstablished;
  return true;
}

// What OpenSSL leaves to its user.
Status TlsSession::agreed() const {
  const unsigned char* chosen = nullptr;
  unsigned length = 0;
  ::SSL_get0_alpn_selected(ssl_.get(), &chosen, &length);
  if (length != sizeof(kAlpn) - 1 || std::memcmp(chosen, kAlpn, length) != 0) {
    return Status(StatusCode::kProtocol,
                  std::string("the other side speaks TLS, but not for the protocol ") + kAlpn)
        .because(tls_reason::kOtherProtocol);
  }
  // Nothing but the key has proved who the other side is.
  if (credentials_->proof() == TlsProof::kPreSharedKey && !resumed_) {
    return Status(StatusCode::kUntrusted, "the other side did not use the pre-shared key")
        .because(tls_reason::kOtherCredentials);
  }
  return Status();
}

void TlsSession::settle() {
  inbox_.grow(kInboxBytes);
  outbox_.grow(kOutboxBytes);
}

Result<std::size_t> TlsSession::read(void* into, std::size_t bytes) {
  const ErrorQueue errors;
  std::size_t got = 0;
  const int outcome = ::SSL_read_ex(ssl_.get(), into, bytes, &got);
  if (outcome == 1) return got;
  if (::SSL_get_error(ssl_.get(), outcome) == SSL_ERROR_WANT_READ) return std::size_t{0};
  return failure(errors, outcome, "receive");
}

Result<bool> TlsSession::has_plaintext() {
  const ErrorQueue errors;
  char first = 0;
  std::size_t got = 0;
  const int outcome = ::SSL_peek_ex(ssl_.get(), &first, 1, &got);
  if (outcome == 1) return true;
  if (::SSL_get_error(ssl_.get(), outcome) == SSL_ERROR_WANT_READ) return false;
  return failure(errors, outcome, "receive");
}

bool TlsSession::holds_received() const {
  return ::SSL_pending(ssl_.get()) > 0 || inbox_.has_whole();
}

std::size_t TlsSession::room() const {
  const std::size_t room = outbox_.room();
  return room < kSpareBytes ? 0 : (room - kSpareBytes) / kMaxRecordBytes * kMaxPlaintextBytes;
}

Status TlsSession::write(const void* from, std::size_t bytes) {
  const ErrorQueue errors;
  if (++records_ % limits_.records_per_key == 0) {
    ::SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_NOT_REQUESTED);
  }
  std::size_t written = 0;
  const int outcome = ::SSL_write_ex(ssl_.get(), from, bytes, &written);
  return outcome == 1 ? Status() : failure(errors, outcome, "send");
}

void TlsSession::say_goodbye() {
  const ErrorQueue errors;
  // A second call would wait for the other side's.
  if ((::SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) == 0) ::SSL_shutdown(ssl_.get());
}

// What a call of OpenSSL that failed for good means.
Status TlsSession::failure(const ErrorQueue& errors, int outcome, const char* what) const {
  if (::SSL_get_error(ssl_.get(), outcome) == SSL_ERROR_ZERO_RETURN) {
    return Status(StatusCode::kPeerClosed, "the peer closed the connection");
  }
  if (!refused_.ok()) return refused_;
  const int code = errors.tls_code();
  const bool established = stage_ != Stage::kHandshake;
  if (code >= kAlertOffset) {
    return status_of_alert(
        code - kAlertOffset,
        {.this_side = role_, .proof = credentials_->proof(), .established = established});
  }
  const Status known = failure_of(code);
  if (!known.ok()) return known;
  if (!established && role_ == TlsRole::kServer &&
      credentials_->proof() == TlsProof::kPreSharedKey) {
    return Status(StatusCode::kUntrusted,
                  "the client offers no pre-shared key, and this side has nothing else; give both "
                  "the same")
        .because(tls_reason::kOtherCredentials);
  }
  return openssl_failure(StatusCode::kProtocol, std::string(what) + ": TLS");
}

// Of OpenSSL's own errors, those that say what to do; or ok.
Status TlsSession::failure_of(int tls_code) const {
  switch (tls_code) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return Status(StatusCode::kUntrusted, "the client shows no certificate")
          .because(tls_reason::kNoCertificate);
    case SSL_R_BINDER_DOES_NOT_VERIFY:
      return Status(
                 StatusCode::kUntrusted,
                 "the client has another pre-shared key of the same identity; give both the same "
                 "file")
          .because(tls_reason::kWrongKey);
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
      return Status(StatusCode::kUnsupported,
                    "the other side speaks no TLS newer than 1.2, and 1.3 is "
                    "asked for")
          .because(tls_reason::kOldVersion);
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return Status(StatusCode::kProtocol,
                    std::string("the other side speaks TLS, but not for the protocol ") + kAlpn)
          .because(tls_reason::kOtherProtocol);
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
      return Status(StatusCode::kProtocol, "a TLS record was damaged on its way")
          .because(tls_reason::kDamaged);
    default:
      return Status();
  }
}

}  // namespace pageferry
