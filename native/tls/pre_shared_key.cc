#include "tls/pre_shared_key.h"

#include <string_view>

#include "tls/tls_names.h"
#include "tls/tls_reason.h"

namespace pageferry {

namespace {

constexpr std::size_t kLeastKeyBytes = 32;
constexpr std::size_t kMostKeyBytes = 64;
constexpr std::size_t kMostIdentityBytes = 127;
constexpr unsigned char kAes128GcmSha256[] = {0x13, 0x01};

int value_of(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

// Empty when it is not hexadecimal.
Secret from_hex(std::string_view hex) {
  std::string bytes(hex.size() / 2, '\0');
  bool good = hex.size() % 2 == 0;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const int high = value_of(hex[2 * at]);
    const int low = value_of(hex[2 * at + 1]);
    good = good && high >= 0 && low >= 0;
    bytes[at] = static_cast<char>(high * 16 + low);
  }
  Secret secret(std::move(bytes));
  return good ? std::move(secret) : Secret(std::string());
}

bool is_identity(std::string_view text) {
  if (text.empty() || text.size() > kMostIdentityBytes) return false;
  for (const char c : text) {
    if (c <= ' ' || c > '~') return false;
  }
  return true;
}

}  // namespace

Result<PreSharedKey> PreSharedKey::read(const std::string& path) {
  const auto file = read_secret_file(path, Readers::kOwnerOnly);
  if (!file.ok()) return file.status();
  std::string_view line = file.value().text();
  if (line.ends_with('\n')) line.remove_suffix(1);
  const std::size_t colon = line.find(':');
  // The content is a secret: no message quotes it.
  const auto malformed = [&](const std::string& what) {
    return Status(StatusCode::kInvalidArgument, path + ": " + what)
        .because(tls_reason::kFileMalformed);
  };
  if (colon == std::string_view::npos || !is_identity(line.substr(0, colon))) {
    return malformed("is not one line identity:hex, with an identity of 1 to 127 letters");
  }
  Secret key = from_hex(line.substr(colon + 1));
  if (key.text().size() < kLeastKeyBytes || key.text().size() > kMostKeyBytes) {
    return malformed("the key is not 32 to 64 bytes in hexadecimal");
  }
  return PreSharedKey(std::string(line.substr(0, colon)), std::move(key));
}

OpensslPtr<SSL_SESSION> PreSharedKey::session(SSL* connection) const {
  OpensslPtr<SSL_SESSION> session(::SSL_SESSION_new());
  const auto* key = reinterpret_cast<const unsigned char*>(key_.text().data());
  const bool made =
      session && ::SSL_SESSION_set1_master_key(session.get(), key, key_.text().size()) == 1 &&
      ::SSL_SESSION_set_cipher(session.get(), ::SSL_CIPHER_find(connection, kAes128GcmSha256)) ==
          1 &&
      ::SSL_SESSION_set_protocol_version(session.get(), TLS1_3_VERSION) == 1 &&
      ::SSL_SESSION_set1_id_context(session.get(), kSessionContext, sizeof(kSessionContext)) == 1;
  return made ? std::move(session) : nullptr;
}

}  // namespace pageferry
