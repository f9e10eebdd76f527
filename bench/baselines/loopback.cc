#include "loopback.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace baseline {

namespace {

void configure(int fd, const LoopbackOptions& options) {
  const int on = 1;
  if (options.no_delay && ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0) {
    die("TCP_NODELAY");
  }
  if (options.congestion == "default") return;
  const auto length = static_cast<socklen_t>(options.congestion.size());
  if (::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, options.congestion.data(), length) == 0) return;
  // Not loaded, or not allowed to this user: the engine then does with the system's default too.
  if (errno != ENOENT && errno != EPERM) {
    die("congestion control " + options.congestion);
  }
}

}  // namespace

void die(const std::string& what) {
  std::fprintf(stderr, "%s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

Loopback fork_over_loopback(const LoopbackOptions& options) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0 || ::bind(listener, generic, length) != 0 || ::listen(listener, 1) != 0 ||
      ::getsockname(listener, generic, &length) != 0) {
    die("listen");
  }
  const pid_t child = ::fork();
  if (child < 0) die("fork");
  int fd = -1;
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) die("accept");
  } else {
    fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ::connect(fd, generic, length) != 0) die("connect");
  }
  ::close(listener);
  configure(fd, options);
  return {child == 0 ? Role::kChild : Role::kParent, fd};
}

void finish(Role role) {
  if (role == Role::kChild) ::_exit(0);
  int status = 0;
  if (::wait(&status) < 0) die("wait");
  if (status != 0) {
    std::fprintf(stderr, "the other process failed\n");
    std::exit(1);
  }
}

std::byte* map_memory(std::size_t bytes) {
  int fd = -1;
  std::byte* memory = map_memory(bytes, fd);
  ::close(fd);
  return memory;
}

std::byte* map_memory(std::size_t bytes, int& fd) {
  fd = ::memfd_create("pageferry-baseline", MFD_CLOEXEC);
  if (fd < 0 || ::ftruncate(fd, static_cast<off_t>(bytes)) != 0) die("memfd");
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) die("mmap");
  ::madvise(memory, bytes, MADV_NOHUGEPAGE);
  return static_cast<std::byte*>(memory);
}

void fill_random(std::byte* memory, std::size_t bytes, std::uint64_t seed) {
  std::uint64_t word = seed * 0x9e3779b97f4a7c15u | 1;
  for (std::size_t at = 0; at + sizeof(word) <= bytes; at += sizeof(word)) {
    word ^= word << 13;
    word ^= word >> 7;
    word ^= word << 17;
    std::memcpy(memory + at, &word, sizeof(word));
  }
}

void send_all(int fd, const void* data, std::size_t bytes) {
  const auto* at = static_cast<const std::byte*>(data);
  while (bytes > 0) {
    const ssize_t sent = ::send(fd, at, bytes, MSG_NOSIGNAL);
    if (sent <= 0) die("send");
    at += sent;
    bytes -= static_cast<std::size_t>(sent);
  }
}

void receive_all(int fd, void* data, std::size_t bytes) {
  auto* at = static_cast<std::byte*>(data);
  while (bytes > 0) {
    const ssize_t received = ::recv(fd, at, bytes, 0);
    if (received <= 0) die("recv");
    at += received;
    bytes -= static_cast<std::size_t>(received);
  }
}

void wait_for_error(int fd) {
  pollfd waiting = {.fd = fd, .events = 0, .revents = 0};
  if (::poll(&waiting, 1, -1) < 0 && errno != EINTR) die("poll");
}

double now_seconds() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

std::string option(int argc, char** argv, const std::string& name, const std::string& fallback) {
  for (int i = 1; i + 1 < argc; i += 2) {
    if (argv[i] == name) return argv[i + 1];
  }
  return fallback;
}

}  // namespace baseline
