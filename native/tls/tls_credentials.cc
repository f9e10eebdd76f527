#include "tls/tls_credentials.h"

#include <openssl/ssl.h>

#include <utility>

#include "crypto/error_queue.h"
#include "tls/pem_files.h"
#include "tls/tls_callbacks.h"
#include "tls/tls_names.h"
#include "tls/tls_reason.h"

namespace pageferry {

namespace {

// The faster where the processor has AES instructions, then the faster where it has none. Both use SHA-256, as a
// pre-shared key does (RFC 8446, 4.2.11).
constexpr char kCiphers[] = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256";
// Keys and digests of less than 112 bits of security are refused, whatever the build of OpenSSL would take.
constexpr int kSecurityLevel = 2;
// The channels of a migration are opened within seconds. What has expired or been revoked in the meantime is not
// looked at again while a session is resumed, so it is short.
constexpr long kSessionSeconds = 300;

// ALPN names travel with their length in front.
std::string alpn_list() {
  const std::string name = kAlpn;
  return static_cast<char>(name.size()) + name;
}

}  // namespace

Result<TlsCredentialsPtr> TlsCredentials::load(const TlsFiles& files) {
  std::shared_ptr<TlsCredentials> credentials(new TlsCredentials);
  if (Status set = credentials->set_up(); !set.ok()) return set;
  const Status used = std::visit([&](const auto& some) { return credentials->use(some); }, files);
  if (!used.ok()) return used;
  set_callbacks(credentials->context_.get(), credentials->key_.has_value());
  return TlsCredentialsPtr(std::move(credentials));
}

Status TlsCredentials::set_up() {
  const ErrorQueue errors;
  context_.reset(::SSL_CTX_new(::TLS_method()));
  SSL_CTX* context = context_.get();
  const std::string alpn = alpn_list();
  const bool done =
      context != nullptr && SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
      SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
      ::SSL_CTX_set_ciphersuites(context, kCiphers) == 1 &&
      ::SSL_CTX_set_session_id_context(context, kSessionContext, sizeof(kSessionContext)) == 1 &&
      // The only call here that answers 0 for success.
      ::SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(alpn.data()),
                                static_cast<unsigned>(alpn.size())) == 0 &&
      ::SSL_CTX_set_max_early_data(context, 0) == 1 &&
      ::SSL_CTX_set_recv_max_early_data(context, 0) == 1 &&
      // A server sends its one ticket itself, to clients that will read it (TlsSession).
      ::SSL_CTX_set_num_tickets(context, 0) == 1;
  if (!done)
    return openssl_failure(StatusCode::kUnsupported, "OpenSSL does not offer what is needed");
  ::SSL_CTX_set_security_level(context, kSecurityLevel);
  ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  ::SSL_CTX_set_timeout(context, kSessionSeconds);
  SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return Status();
}

Status TlsCredentials::use(const CertificateFiles& files) {
  auto chain = load_certificates(files.certificate);
  if (!chain.ok()) return chain.status();
  auto key = load_private_key(files.key);
  if (!key.ok()) return key.status();
  X509* own = chain.value().front().get();
  const Status good = check_own(own, files.certificate, key.value().get(), files.key);
  if (!good.ok()) return good;
  const ErrorQueue errors;
  const auto refused = [&](const std::string& path) {
    return openssl_failure(StatusCode::kInvalidArgument, path + " is refused")
        .because(tls_reason::kFileMalformed);
  };
  SSL_CTX* context = context_.get();
  if (::SSL_CTX_use_certificate(context, own) != 1) return refused(files.certificate);
  if (::SSL_CTX_use_PrivateKey(context, key.value().get()) != 1) return refused(files.key);
  for (std::size_t at = 1; at < chain.value().size(); ++at) {
    const bool added = SSL_CTX_add1_chain_cert(context, chain.value()[at].get()) == 1;
    if (!added) return refused(files.certificate);
  }
  X509_STORE* trusted = ::SSL_CTX_get_cert_store(context);
  auto authorities = load_certificates(files.ca);
  if (!authorities.ok()) return authorities.status();
  for (const OpensslPtr<X509>& authority : authorities.value()) {
    if (::X509_STORE_add_cert(trusted, authority.get()) != 1) return refused(files.ca);
  }
  allowed_peers_ = files.allowed_peers;
  if (!files.crl.has_value()) return Status();
  auto lists = load_revocation_lists(*files.crl);
  if (!lists.ok()) return lists.status();
  for (const OpensslPtr<X509_CRL>& list : lists.value()) {
    if (::X509_STORE_add_crl(trusted, list.get()) != 1) return refused(*files.crl);
  }
  ::X509_STORE_set_flags(trusted, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  return Status();
}

Status TlsCredentials::use(const PreSharedKeyFile& file) {
  auto key = PreSharedKey::read(file.path);
  if (!key.ok()) return key.status();
  key_.emplace(std::move(key.value()));
  return Status();
}

}  // namespace pageferry
