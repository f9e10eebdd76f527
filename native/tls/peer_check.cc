#include "tls/peer_check.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "tls/certificate_text.h"
#include "tls/tls_reason.h"

namespace pageferry {

namespace {

bool is_for(X509* certificate, const std::string& name) {
  constexpr unsigned kExactly = X509_CHECK_FLAG_NO_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
  return ::X509_check_host(certificate, name.data(), name.size(), kExactly, nullptr) == 1 ||
         ::X509_check_ip_asc(certificate, name.c_str(), 0) == 1;
}

Status untrusted(std::string_view reason, std::string message) {
  return Status(StatusCode::kUntrusted, std::move(message)).because(reason);
}

// In the words of whoever has to put it right.
Status status_of(int error, const X509* shown, const std::string& expected_name) {
  const std::string whose = "the certificate of " + names_of(shown);
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return untrusted(tls_reason::kExpired, whose + " expired on " +
                                                 to_text(::X509_get0_notAfter(shown)) +
                                                 "; issue a new one there");
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return untrusted(tls_reason::kNotYetValid,
                       whose + " is not valid before " + to_text(::X509_get0_notBefore(shown)) +
                           ", by the clock of this host; look at both clocks");
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_INVALID_CA:
      return untrusted(tls_reason::kForeignCa,
                       whose + " was not issued by the CA in this side's CA file");
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return untrusted(tls_reason::kWrongName, "the server at " + expected_name +
                                                   " has a certificate for " + names_of(shown) +
                                                   " only; issue one there that names it");
    case X509_V_ERR_CERT_REVOKED:
      return untrusted(tls_reason::kRevoked, whose + " has been revoked");
    case X509_V_ERR_INVALID_PURPOSE:
      return untrusted(tls_reason::kWrongPurpose,
                       whose +
                           " may not be used for this side of a connection; issue one with "
                           "serverAuth and clientAuth");
    case X509_V_ERR_UNABLE_TO_GET_CRL:
      return untrusted(tls_reason::kCrlMissing,
                       "this side's revocation list is not by the issuer of " + whose);
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
      return untrusted(tls_reason::kCrlOutdated,
                       "this side's revocation list is out of date; bring a new one and reload");
    default:
      return untrusted(tls_reason::kOtherFault,
                       whose + " was refused: " + ::X509_verify_cert_error_string(error));
  }
}

// OpenSSL makes bad_certificate of what RFC 8446 calls certificate_expired ("or is not currently valid"), and blames
// the other side's certificate for this side's revocation list.
int error_for_alert(int error) {
  switch (error) {
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return X509_V_ERR_CERT_HAS_EXPIRED;
    case X509_V_OK:
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
      return X509_V_ERR_UNSPECIFIED;
    default:
      return error;
  }
}

}  // namespace

Status check_peer(X509_STORE_CTX* store, const std::vector<std::string>& allowed_peers,
                  const std::string& expected_name) {
  X509* leaf = ::X509_STORE_CTX_get0_cert(store);
  if (::X509_verify_cert(store) != 1) {
    const int error = ::X509_STORE_CTX_get_error(store);
    const X509* shown = ::X509_STORE_CTX_get_current_cert(store);
    ::X509_STORE_CTX_set_error(store, error_for_alert(error));
    return status_of(error, shown == nullptr ? leaf : shown, expected_name);
  }
  const bool allowed = allowed_peers.empty() ||
                       std::any_of(allowed_peers.begin(), allowed_peers.end(),
                                   [&](const std::string& name) { return is_for(leaf, name); });
  if (allowed) return Status();
  ::X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
  return untrusted(tls_reason::kNotAllowed,
                   "the certificate of " + names_of(leaf) + " is for none of the allowed peers");
}

}  // namespace pageferry
