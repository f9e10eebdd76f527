#include "tls/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/unique_fd.h"
#include "tls/tls_reason.h"

namespace pageferry {

namespace {

constexpr off_t kMaxBytes = 1 << 20;

Status malformed(const std::string& path, const std::string& what) {
  return Status(StatusCode::kInvalidArgument, path + ": " + what)
      .because(tls_reason::kFileMalformed);
}

}  // namespace

Result<Secret> read_secret_file(const std::string& path, Readers readers) {
  // Not blocking: a FIFO would keep the caller until somebody writes.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat file = {};
  if (!fd || ::fstat(fd.get(), &file) != 0) {
    return Status::from_errno(path).because(tls_reason::kFileUnreadable);
  }
  if (!S_ISREG(file.st_mode)) return malformed(path, "is not a file");
  if (readers == Readers::kOwnerOnly && (file.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return Status(StatusCode::kNoPermission,
                  path + " is a secret, and others than its owner may use it; chmod 600 it")
        .because(tls_reason::kFileTooOpen);
  }
  if (file.st_size > kMaxBytes) return malformed(path, "is longer than any key or certificate");
  // Its final size at once: a string that grows would leave copies of the secret behind.
  std::string text(static_cast<std::size_t>(file.st_size), '\0');
  std::size_t length = 0;
  while (length < text.size()) {
    const ssize_t got = ::read(fd.get(), text.data() + length, text.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Status::from_errno(path).because(tls_reason::kFileUnreadable);
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
  }
  text.resize(length);
  return Secret(std::move(text));
}

}  // namespace pageferry
