// The limit for bulk copying over TLS: random pages from one process's memory into another's, already populated,
// over one loopback connection, by plain SSL_write and SSL_read of 1 MiB with TLS_AES_128_GCM_SHA256. Timed from the
// first send to the receiver's word that it has every byte.
//
//   tls_stream --bytes N
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "loopback.h"

namespace {

constexpr std::size_t kChunkBytes = std::size_t{1} << 20;
constexpr const char* kCipher = "TLS_AES_128_GCM_SHA256";

// A certificate that nobody checks.
void show_any_certificate(SSL_CTX* context) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  if (SSL_CTX_use_certificate(context, certificate) != 1) baseline::die("the certificate");
  if (SSL_CTX_use_PrivateKey(context, key) != 1) baseline::die("the key");
}

SSL* shake_hands(baseline::Role role, int fd) {
  SSL_CTX* context = SSL_CTX_new(TLS_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  if (SSL_CTX_set_ciphersuites(context, kCipher) != 1) baseline::die(kCipher);
  // Several records with one system call, where they are there.
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, 256 << 10);
  const bool serves = role == baseline::Role::kChild;
  if (serves) show_any_certificate(context);
  SSL* connection = SSL_new(context);
  SSL_set_fd(connection, fd);
  if ((serves ? SSL_accept(connection) : SSL_connect(connection)) != 1) baseline::die("handshake");
  return connection;
}

void write_all(SSL* connection, const std::byte* memory, std::size_t bytes) {
  while (bytes > 0) {
    const int sent = SSL_write(connection, memory, static_cast<int>(std::min(kChunkBytes, bytes)));
    if (sent <= 0) baseline::die("SSL_write");
    memory += sent;
    bytes -= static_cast<std::size_t>(sent);
  }
}

void read_all(SSL* connection, std::byte* memory, std::size_t bytes) {
  while (bytes > 0) {
    const int got = SSL_read(connection, memory, static_cast<int>(std::min(kChunkBytes, bytes)));
    if (got <= 0) baseline::die("SSL_read");
    memory += got;
    bytes -= static_cast<std::size_t>(got);
  }
}

void receive(SSL* connection, std::byte* memory, std::size_t bytes) {
  if (::madvise(memory, bytes, MADV_POPULATE_WRITE) != 0) baseline::die("populate");
  std::byte word = {};
  write_all(connection, &word, 1);
  read_all(connection, memory, bytes);
  write_all(connection, &word, 1);
}

double send(SSL* connection, std::byte* memory, std::size_t bytes) {
  baseline::fill_random(memory, bytes, 1);
  std::byte word = {};
  read_all(connection, &word, 1);
  const double started = baseline::now_seconds();
  write_all(connection, memory, bytes);
  read_all(connection, &word, 1);
  return baseline::now_seconds() - started;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t bytes = std::stoull(baseline::option(argc, argv, "--bytes", "1073741824")) /
                            baseline::kPageBytes * baseline::kPageBytes;
  const auto [role, fd] = baseline::fork_over_loopback({.congestion = "cubic", .no_delay = true});
  SSL* connection = shake_hands(role, fd);
  std::byte* memory = baseline::map_memory(bytes);
  if (role == baseline::Role::kChild) {
    receive(connection, memory, bytes);
  } else {
    const double seconds = send(connection, memory, bytes);
    std::printf("{\"bytes\":%zu,\"seconds\":%.6f}\n", bytes, seconds);
  }
  baseline::finish(role);
  return 0;
}
