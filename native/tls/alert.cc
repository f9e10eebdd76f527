#include "tls/alert.h"

#include <openssl/ssl.h>

#include <string>

#include "tls/tls_reason.h"

namespace pageferry {

namespace {

Status untrusted(std::string_view reason, std::string message) {
  return Status(StatusCode::kUntrusted, std::move(message)).because(reason);
}

// OpenSSL answers handshake_failure to an identity that it does not know, and illegal_parameter to a key that does
// not fit.
Status of_pre_shared_key(int alert, const std::string& other) {
  switch (alert) {
    case SSL_AD_HANDSHAKE_FAILURE:
    case SSL_AD_UNKNOWN_PSK_IDENTITY:
      return untrusted(tls_reason::kUnknownIdentity,
                       other + " has no pre-shared key of this identity; give both the same file");
    case SSL_AD_ILLEGAL_PARAMETER:
    case SSL_AD_DECRYPT_ERROR:
      return untrusted(
          tls_reason::kWrongKey,
          other + " has another pre-shared key of this identity; give both the same file");
    default:
      return Status();
  }
}

Status of_certificate(int alert, const AlertContext& context, const std::string& other) {
  const std::string refused = other + " refuses this side's certificate: ";
  switch (alert) {
    case SSL_AD_CERTIFICATE_EXPIRED:
      return untrusted(tls_reason::kExpired,
                       refused + "by its clock it has expired, or is not valid yet");
    case SSL_AD_CERTIFICATE_REVOKED:
      return untrusted(tls_reason::kRevoked, refused + "it has been revoked");
    case SSL_AD_UNKNOWN_CA:
      return untrusted(tls_reason::kForeignCa, refused + "its CA is another one");
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
      return untrusted(tls_reason::kWrongPurpose,
                       refused + "it may not be used for this side of a connection");
    case SSL_AD_BAD_CERTIFICATE:
      return untrusted(
          tls_reason::kOtherFault,
          refused + (context.this_side == TlsRole::kServer
                         ? "most likely it is not for the name under which it was called"
                         : "it says itself why"));
    case SSL_AD_CERTIFICATE_UNKNOWN:
      return untrusted(tls_reason::kOtherFault, refused + "it says itself why");
    case SSL_AD_CERTIFICATE_REQUIRED:
      return untrusted(tls_reason::kNoCertificate, other + " wants a certificate of this side");
    // Two that both have certificates have something in common, so that a refusal in the middle of the handshake can
    // only be meant for certificates as such. From a server, which sees this side's last, it comes afterwards.
    case SSL_AD_HANDSHAKE_FAILURE:
      if (context.established) {
        return untrusted(tls_reason::kNotAllowed,
                         refused + "it is for none of the peers that are allowed there");
      }
      return untrusted(tls_reason::kOtherCredentials,
                       other + " takes no certificates: it has a pre-shared key");
    default:
      return Status();
  }
}

}  // namespace

Status status_of_alert(int alert, const AlertContext& context) {
  const std::string other = context.this_side == TlsRole::kClient ? "the server" : "the client";
  const Status known = context.proof == TlsProof::kPreSharedKey
                           ? of_pre_shared_key(alert, other)
                           : of_certificate(alert, context, other);
  if (!known.ok()) return known;
  switch (alert) {
    case SSL_AD_PROTOCOL_VERSION:
      return Status(StatusCode::kUnsupported, other + " does not speak TLS 1.3")
          .because(tls_reason::kOldVersion);
    case SSL_AD_NO_APPLICATION_PROTOCOL:
      return Status(StatusCode::kProtocol, other + " speaks TLS, but for another protocol")
          .because(tls_reason::kOtherProtocol);
    case SSL_AD_INTERNAL_ERROR:
      return Status(StatusCode::kProtocol, other + " has trouble of its own; it says itself which")
          .because(tls_reason::kPeerTrouble);
    case SSL_AD_BAD_RECORD_MAC:
    case SSL_AD_DECODE_ERROR:
      return Status(StatusCode::kProtocol, other + " received a record that was damaged on its way")
          .because(tls_reason::kDamaged);
    default:
      return Status(StatusCode::kProtocol, other + " ended the connection with the TLS alert " +
                                               ::SSL_alert_desc_string_long(alert))
          .because(tls_reason::kPeerTrouble);
  }
}

}  // namespace pageferry
