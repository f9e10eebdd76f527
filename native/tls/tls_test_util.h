// A CA, certificates and both ends of TLS connections over real loopback TCP. Tests only.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "crypto/pem.h"
#include "net/stream_test_util.h"
#include "tls/tls_credentials.h"
#include "tls/tls_handshake.h"
#include "tls/tls_reason.h"

namespace pageferry::testing {

constexpr std::chrono::seconds kLongEnough{60};

// A folder that goes with its object.
class TestFolder {
 public:
  TestFolder() {
    std::string pattern = ::testing::TempDir() + "pageferry-tls-XXXXXX";
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    path_ = pattern;
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  std::string path(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    std::ofstream(path(name)) << text;
    EXPECT_EQ(::chmod(path(name).c_str(), mode), 0);
    return path(name);
  }

 private:
  std::string path_;
};

inline OpensslPtr<EVP_PKEY> new_key() { return OpensslPtr<EVP_PKEY>(EVP_EC_gen("P-256")); }

// Of a key, a certificate or a revocation list.
template <class T>
std::string pem_of(T* object) {
  auto pem = to_pem(object);
  EXPECT_TRUE(pem.ok()) << pem.status().message();
  return pem.ok() ? pem.value() : "";
}

// What is asked of a certificate; in seconds from now.
struct Wanted {
  std::string names = "DNS:localhost,IP:127.0.0.1";
  std::string purposes = "serverAuth,clientAuth";
  long from = -3600;
  long until = 3600;
};

struct Issued {
  OpensslPtr<X509> certificate;
  OpensslPtr<EVP_PKEY> key;
};

class TestCa {
 public:
  explicit TestCa(const std::string& name) : key_(new_key()) {
    certificate_ = sign(key_.get(), name, {.from = -7200, .until = 7200}, true);
  }

  Issued issue(const Wanted& wanted, const std::string& name = "a host") {
    OpensslPtr<EVP_PKEY> key = new_key();
    OpensslPtr<X509> certificate = sign(key.get(), name, wanted, false);
    return {std::move(certificate), std::move(key)};
  }

  X509* certificate() { return certificate_.get(); }

  // A revocation list that names these.
  std::string revocation_list(const std::vector<X509*>& revoked, long until = 3600) {
    const OpensslPtr<X509_CRL> list(::X509_CRL_new());
    ::X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
    ::X509_CRL_set_issuer_name(list.get(), ::X509_get_subject_name(certificate_.get()));
    ASN1_TIME* time = ::X509_gmtime_adj(nullptr, std::min(until, 0L) - 60);
    ::X509_CRL_set1_lastUpdate(list.get(), time);
    for (X509* one : revoked) {
      X509_REVOKED* entry = ::X509_REVOKED_new();
      ::X509_REVOKED_set_serialNumber(entry, ::X509_get_serialNumber(one));
      ::X509_REVOKED_set_revocationDate(entry, time);
      ::X509_CRL_add0_revoked(list.get(), entry);
    }
    ::X509_gmtime_adj(time, until);
    ::X509_CRL_set1_nextUpdate(list.get(), time);
    ::ASN1_TIME_free(time);
    EXPECT_GT(::X509_CRL_sign(list.get(), key_.get(), ::EVP_sha256()), 0);
    return pem_of(list.get());
  }

 private:
  OpensslPtr<X509> sign(EVP_PKEY* key, const std::string& name, const Wanted& wanted, bool is_ca) {
    OpensslPtr<X509> made(::X509_new());
    X509* issuer = is_ca ? made.get() : certificate_.get();
    ::X509_set_version(made.get(), X509_VERSION_3);
    ::ASN1_INTEGER_set(::X509_get_serialNumber(made.get()), ++serial_);
    ::X509_gmtime_adj(::X509_getm_notBefore(made.get()), wanted.from);
    ::X509_gmtime_adj(::X509_getm_notAfter(made.get()), wanted.until);
    const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
    ::X509_NAME_add_entry_by_txt(::X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8, text, -1,
                                 -1, 0);
    ::X509_set_issuer_name(made.get(), ::X509_get_subject_name(issuer));
    ::X509_set_pubkey(made.get(), key);
    add(made.get(), issuer, NID_basic_constraints,
        is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    add(made.get(), issuer, NID_key_usage,
        is_ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
    if (!is_ca && !wanted.purposes.empty()) {
      add(made.get(), issuer, NID_ext_key_usage, wanted.purposes.c_str());
    }
    if (!is_ca && !wanted.names.empty()) {
      add(made.get(), issuer, NID_subject_alt_name, wanted.names.c_str());
    }
    EXPECT_GT(::X509_sign(made.get(), key_.get(), ::EVP_sha256()), 0);
    return made;
  }

  static void add(X509* certificate, X509* issuer, int nid, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = ::X509V3_EXT_conf_nid(nullptr, &context, nid, value);
    ASSERT_NE(extension, nullptr) << value;
    EXPECT_EQ(::X509_add_ext(certificate, extension, -1), 1);
    ::X509_EXTENSION_free(extension);
  }

  OpensslPtr<EVP_PKEY> key_;
  OpensslPtr<X509> certificate_;
  long serial_ = 0;
};

// The files of one host, in a folder of the test's.
inline CertificateFiles write_files(const TestFolder& folder, const std::string& host,
                                    const Issued& issued, X509* trusted) {
  return {.certificate = folder.write(host + ".pem", pem_of(issued.certificate.get())),
          .key = folder.write(host + "-key.pem", pem_of(issued.key.get())),
          .ca = folder.write(host + "-ca.pem", pem_of(trusted)),
          .crl = {},
          .allowed_peers = {}};
}

inline TlsCredentialsPtr load(const TlsFiles& files) {
  auto loaded = TlsCredentials::load(files);
  EXPECT_TRUE(loaded.ok()) << loaded.status().message();
  return loaded.ok() ? loaded.value() : nullptr;
}

// Credentials of two hosts of one CA.
struct Hosts {
  TestFolder folder;
  TestCa ca{"the CA"};
  CertificateFiles source =
      write_files(folder, "source", ca.issue({.names = "DNS:source"}), ca.certificate());
  CertificateFiles destination = write_files(folder, "destination", ca.issue({}), ca.certificate());
};

// A port that connections with TLS are made over.
class TlsPort {
 public:
  StreamPtr connect() const { return owned(connect_to(port_.port())); }
  StreamPtr accept() const {
    SocketStream stream = port_.accept();
    stream.tune();
    return owned(std::move(stream));
  }

 private:
  LoopbackPort port_;
};

// Steps until the handshake is done, as a listener would.
template <class Handshake>
Result<std::unique_ptr<TlsStream>> step_through(Handshake& handshake) {
  while (true) {
    TlsStep step = handshake.step();
    if (auto* failed = std::get_if<Status>(&step)) return *failed;
    if (auto* done = std::get_if<std::unique_ptr<TlsStream>>(&step)) return std::move(*done);
    const bool reads = std::holds_alternative<WantsRead>(step);
    pollfd waiting = {
        .fd = handshake.fd(), .events = static_cast<short>(reads ? POLLIN : POLLOUT), .revents = 0};
    if (::poll(&waiting, 1, 60'000) == 0) return Status(StatusCode::kTimedOut, "no step for 60 s");
  }
}

struct Ends {
  Result<std::unique_ptr<TlsStream>> client;
  Result<std::unique_ptr<TlsStream>> server;
};

// Both sides of one handshake, over streams that may be more than sockets.
inline Ends shake_hands(StreamPtr near, StreamPtr far, const TlsCredentialsPtr& client,
                        const TlsCredentialsPtr& server, const std::string& name = "localhost") {
  Result<std::unique_ptr<TlsStream>> accepted = Status(StatusCode::kSystem, "never ran");
  std::thread serving([&] {
    TlsAccept accept(std::move(far), server);
    accepted = step_through(accept);
  });
  auto connected = connect_tls(std::move(near), client, name, kLongEnough);
  serving.join();
  return {std::move(connected), std::move(accepted)};
}

inline Ends shake_hands(const TlsPort& port, const TlsCredentialsPtr& client,
                        const TlsCredentialsPtr& server, const std::string& name = "localhost") {
  auto near = port.connect();
  auto far = port.accept();
  return shake_hands(std::move(near), std::move(far), client, server, name);
}

// Two ends that trust each other.
struct TlsPair {
  Hosts hosts;
  TlsPort port;
  std::unique_ptr<TlsStream> near;
  std::unique_ptr<TlsStream> far;

  TlsPair() {
    Ends ends = shake_hands(port, load(hosts.source), load(hosts.destination));
    EXPECT_TRUE(ends.client.ok()) << ends.client.status().message();
    EXPECT_TRUE(ends.server.ok()) << ends.server.status().message();
    near = std::move(ends.client.value());
    far = std::move(ends.server.value());
  }
};

inline std::vector<std::byte> random_bytes(std::size_t count, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> bytes(count);
  for (std::byte& value : bytes) value = static_cast<std::byte>(random());
  return bytes;
}

// OpenSSL's own writes to a socket raise a signal where the other side has closed. Ours must not, so it is blocked
// only where a peer of another make writes.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    ::sigemptyset(&sigpipe_);
    ::sigaddset(&sigpipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
  }
  ~WithoutSigpipe() {
    const timespec at_once = {};
    while (::sigtimedwait(&sigpipe_, nullptr, &at_once) == SIGPIPE) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t sigpipe_ = {};
  sigset_t before_ = {};
};

// A peer of another make, straight on OpenSSL, over a blocking socket that it does not own.
class OtherTls {
 public:
  explicit OtherTls(int max_version = TLS1_3_VERSION) : context_(::SSL_CTX_new(::TLS_method())) {
    SSL_CTX_set_max_proto_version(context_.get(), max_version);
    set_protocol("\x0bpageferry/2");
  }

  void set_protocol(const std::string& alpn) {
    ::SSL_CTX_set_alpn_protos(context_.get(), reinterpret_cast<const unsigned char*>(alpn.data()),
                              static_cast<unsigned>(alpn.size()));
  }
  // A server's: takes whatever is offered first.
  void take_protocol() {
    ::SSL_CTX_set_alpn_select_cb(
        context_.get(),
        [](SSL*, const unsigned char** chosen, unsigned char* length, const unsigned char* offered,
           unsigned, void*) {
          *chosen = offered + 1;
          *length = offered[0];
          return SSL_TLSEXT_ERR_OK;
        },
        nullptr);
  }
  void show(const Issued& issued) {
    EXPECT_EQ(::SSL_CTX_use_certificate(context_.get(), issued.certificate.get()), 1);
    EXPECT_EQ(::SSL_CTX_use_PrivateKey(context_.get(), issued.key.get()), 1);
  }
  // Asks for the other side's certificate and judges it as if it were `seconds` later.
  void judge(X509* ca, long seconds) {
    ::X509_STORE_add_cert(::SSL_CTX_get_cert_store(context_.get()), ca);
    ::X509_VERIFY_PARAM_set_time(::SSL_CTX_get0_param(context_.get()),
                                 std::time(nullptr) + seconds);
    ::SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  }

  bool connect(int fd) {
    const WithoutSigpipe guard;
    return begin(fd) && ::SSL_connect(ssl()) == 1;
  }
  bool accept(int fd) {
    const WithoutSigpipe guard;
    return begin(fd) && ::SSL_accept(ssl()) == 1;
  }
  // One byte, or false. It answers what it reads first, as an alert.
  bool read() {
    const WithoutSigpipe guard;
    char byte = 0;
    return ::SSL_read(ssl(), &byte, 1) == 1;
  }
  SSL* ssl() { return ssl_.get(); }

 private:
  bool begin(int fd) {
    ssl_.reset(::SSL_new(context_.get()));
    return ::SSL_set_fd(ssl(), fd) == 1;
  }

  OpensslPtr<SSL_CTX> context_;
  OpensslPtr<SSL> ssl_;
};

// A stream that passes everything on, for tests that watch or change what passes.
class PassingStream : public Stream {
 public:
  explicit PassingStream(StreamPtr below) : below_(std::move(below)) {}

  int fd() const override { return below_->fd(); }
  bool holds_received() const override { return below_->holds_received(); }
  bool peer_closed() override { return below_->peer_closed(); }
  void set_send_timeout(std::chrono::milliseconds timeout) override {
    below_->set_send_timeout(timeout);
  }
  void set_send_buffer(int bytes) override { below_->set_send_buffer(bytes); }
  void end_sending() override { below_->end_sending(); }
  void shutdown() override { below_->shutdown(); }
  std::uint64_t bytes_sent() const override { return below_->bytes_sent(); }
  std::uint64_t bytes_received() const override { return below_->bytes_received(); }
  std::uint64_t bytes_unacknowledged() const override { return below_->bytes_unacknowledged(); }
  std::optional<RoundTrip> round_trip() const override { return below_->round_trip(); }
  bool peer_is_local() const override { return below_->peer_is_local(); }

 protected:
  Result<std::size_t> send_some(std::span<iovec> parts, Wait wait) override {
    if (wait == Wait::kNo) return below_->send_available(parts[0].iov_base, parts[0].iov_len);
    const std::size_t bytes = parts[0].iov_len;
    if (Status sent = below_->send_all(parts[0].iov_base, bytes); !sent.ok()) return sent;
    return bytes;
  }
  Result<std::size_t> receive_some(std::span<iovec> parts, Wait) override {
    return below_->receive_available(parts[0].iov_base, parts[0].iov_len);
  }

  StreamPtr below_;
};

}  // namespace pageferry::testing
