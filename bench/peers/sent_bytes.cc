// A library that is preloaded into QEMU and counts the bytes that it sends over TCP, because QEMU 7.2 counts compressed
// pages with the size that they had before.
//
// The environment variable PAGEFERRY_SENT_BYTES names a file of 8 bytes, which holds the count at any moment.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>

namespace {

using Count = std::atomic<std::uint64_t>;
static_assert(sizeof(Count) == sizeof(std::uint64_t) && Count::is_always_lock_free);

// Null where there is no such file. Before the program's first statement, so that no thread finds it half made.
Count* map_count() {
  const char* const path = std::getenv("PAGEFERRY_SENT_BYTES");
  if (path == nullptr) return nullptr;
  const int fd = ::open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return nullptr;
  void* const at = ::mmap(nullptr, sizeof(Count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  return at == MAP_FAILED ? nullptr : static_cast<Count*>(at);
}

Count* const count = map_count();

// The monitor and the serial port are Unix sockets.
bool is_tcp(int fd) {
  int domain = 0;
  socklen_t length = sizeof(domain);
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0) return false;
  return domain == AF_INET || domain == AF_INET6;
}

ssize_t counted(int fd, ssize_t sent) {
  if (sent > 0 && count != nullptr && is_tcp(fd)) {
    count->fetch_add(static_cast<std::uint64_t>(sent), std::memory_order_relaxed);
  }
  return sent;
}

// What the program would have called without this library.
template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

// Every function by which QEMU sends to a socket.
extern "C" ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  static auto* const real = next<ssize_t(int, const msghdr*, int)>("sendmsg");
  return counted(fd, real(fd, message, flags));
}

extern "C" ssize_t send(int fd, const void* bytes, size_t length, int flags) {
  static auto* const real = next<ssize_t(int, const void*, size_t, int)>("send");
  return counted(fd, real(fd, bytes, length, flags));
}

extern "C" ssize_t writev(int fd, const iovec* parts, int count_of_parts) {
  static auto* const real = next<ssize_t(int, const iovec*, int)>("writev");
  return counted(fd, real(fd, parts, count_of_parts));
}
