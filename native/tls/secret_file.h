// A small file with a key or a certificate in it.
#pragma once

#include <openssl/crypto.h>

#include <string>
#include <utility>

#include "os/status.h"

namespace pageferry {

// Text that is wiped from memory when it is no longer needed.
class Secret {
 public:
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(Secret&& other) noexcept : text_(std::exchange(other.text_, {})) {}
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { ::OPENSSL_cleanse(text_.data(), text_.size()); }

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Who may read a file, apart from its owner.
enum class Readers { kAny, kOwnerOnly };

// All of it. With a reason: file-unreadable, file-too-open, or file-malformed where it is longer than 1 MiB.
Result<Secret> read_secret_file(const std::string& path, Readers readers);

}  // namespace pageferry
