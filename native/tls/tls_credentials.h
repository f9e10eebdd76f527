// What this side proves itself with, and what it asks of the other: certificates on both sides, or a key that both
// were given. TLS 1.3 only.
//
// Thread contract: immutable, any thread. A connection keeps the credentials that it began with.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "crypto/openssl_ptr.h"
#include "os/status.h"
#include "tls/alert.h"
#include "tls/client_sessions.h"
#include "tls/pre_shared_key.h"

namespace pageferry {

// Files are PEM.
struct CertificateFiles {
  std::string certificate;  // this side's, then what is between it and the CA
  std::string key;
  std::string ca;                  // who issues the other side's
  std::optional<std::string> crl;  // of every CA in the chain; whoever it names is refused
  // Names or IP addresses, for one of which a client's certificate has to be; without any, each of the CA's will do.
  std::vector<std::string> allowed_peers;
};

struct PreSharedKeyFile {
  std::string path;
};

using TlsFiles = std::variant<CertificateFiles, PreSharedKeyFile>;

class TlsCredentials;
using TlsCredentialsPtr = std::shared_ptr<const TlsCredentials>;

class TlsCredentials {
 public:
  // Fails, with a reason, where a file cannot be read, does not hold what it should, or is out of date.
  static Result<TlsCredentialsPtr> load(const TlsFiles& files);

  TlsProof proof() const { return key_ ? TlsProof::kPreSharedKey : TlsProof::kCertificates; }

  // For the connections of native/tls. Sessions are no part of what the credentials say, so they may change.
  SSL_CTX* context() const { return context_.get(); }
  const std::vector<std::string>& allowed_peers() const { return allowed_peers_; }
  const PreSharedKey& key() const { return *key_; }
  ClientSessions& sessions() const { return sessions_; }

 private:
  TlsCredentials() = default;
  Status set_up();
  Status use(const CertificateFiles& files);
  Status use(const PreSharedKeyFile& file);

  OpensslPtr<SSL_CTX> context_;
  std::vector<std::string> allowed_peers_;
  std::optional<PreSharedKey> key_;
  mutable ClientSessions sessions_;
};

}  // namespace pageferry
