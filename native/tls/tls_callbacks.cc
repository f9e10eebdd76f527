#include "tls/tls_callbacks.h"

#include <cstring>

#include "os/contained.h"
#include "tls/peer_check.h"
#include "tls/tls_names.h"
#include "tls/tls_reason.h"
#include "tls/tls_session.h"

namespace pageferry {

// OpenSSL is C: no exception may pass through it.
struct TlsCallbacks {
  static TlsSession& session_of(const SSL* ssl) {
    return *static_cast<TlsSession*>(SSL_get_app_data(ssl));
  }

  static int verify(X509_STORE_CTX* store, void*) {
    const int index = ::SSL_get_ex_data_X509_STORE_CTX_idx();
    TlsSession& session = session_of(static_cast<SSL*>(::X509_STORE_CTX_get_ex_data(store, index)));
    session.refused_ = contained([&] {
      return check_peer(store, session.credentials_->allowed_peers(), session.server_name_);
    });
    return session.refused_.ok() ? 1 : 0;
  }

  // The server shows a certificate where a pre-shared key is all that this side has.
  static int refuse(X509_STORE_CTX* store, void*) {
    const int index = ::SSL_get_ex_data_X509_STORE_CTX_idx();
    TlsSession& session = session_of(static_cast<SSL*>(::X509_STORE_CTX_get_ex_data(store, index)));
    session.refused_ = contained([] {
      return Status(
                 StatusCode::kUntrusted,
                 "the server proves itself with a certificate, and this side has a pre-shared key; "
                 "give both the same")
          .because(tls_reason::kOtherCredentials);
    });
    ::X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
  }

  static int select_protocol(SSL*, const unsigned char** chosen, unsigned char* length,
                             const unsigned char* offered, unsigned offered_length, void*) {
    constexpr std::size_t kLength = sizeof(kAlpn) - 1;
    for (unsigned at = 0; at < offered_length; at += 1U + offered[at]) {
      if (offered[at] != kLength || at + kLength >= offered_length) continue;
      if (std::memcmp(offered + at + 1, kAlpn, kLength) != 0) continue;
      *chosen = offered + at + 1;
      *length = kLength;
      return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }

  // A client's: the server has sent what its next connection may begin with.
  static int keep_session(SSL* ssl, SSL_SESSION* ticket) {
    TlsSession& session = session_of(ssl);
    if (session.role_ == TlsRole::kServer) return 0;
    session.ticket_came_ = true;
    (void)contained([&] {
      session.credentials_->sessions().keep(session.server_key_, ticket);
      return Status();
    });
    return 0;  // The sessions have a copy.
  }

  static int offer_key(SSL* ssl, const EVP_MD*, const unsigned char** identity, std::size_t* length,
                       SSL_SESSION** key) {
    const PreSharedKey& shared = session_of(ssl).credentials_->key();
    *identity = reinterpret_cast<const unsigned char*>(shared.identity().data());
    *length = shared.identity().size();
    *key = shared.session(ssl).release();
    return *key != nullptr ? 1 : 0;
  }

  static int find_key(SSL* ssl, const unsigned char* identity, std::size_t length,
                      SSL_SESSION** key) {
    TlsSession& session = session_of(ssl);
    const PreSharedKey& shared = session.credentials_->key();
    const bool known = length == shared.identity().size() &&
                       std::memcmp(identity, shared.identity().data(), length) == 0;
    *key = known ? shared.session(ssl).release() : nullptr;
    session.refused_ = contained([&] {
      return known
                 ? Status()
                 : Status(
                       StatusCode::kUntrusted,
                       "the client's pre-shared key has an identity that this side does not have; "
                       "give both the same file")
                       .because(tls_reason::kUnknownIdentity);
    });
    return !known || *key != nullptr ? 1 : 0;
  }
};

void set_callbacks(SSL_CTX* context, bool with_pre_shared_key) {
  ::SSL_CTX_set_alpn_select_cb(context, TlsCallbacks::select_protocol, nullptr);
  if (with_pre_shared_key) {
    ::SSL_CTX_set_cert_verify_callback(context, TlsCallbacks::refuse, nullptr);
    ::SSL_CTX_set_psk_use_session_callback(context, TlsCallbacks::offer_key);
    ::SSL_CTX_set_psk_find_session_callback(context, TlsCallbacks::find_key);
    return;
  }
  ::SSL_CTX_set_cert_verify_callback(context, TlsCallbacks::verify, nullptr);
  ::SSL_CTX_sess_set_new_cb(context, TlsCallbacks::keep_session);
}

}  // namespace pageferry
