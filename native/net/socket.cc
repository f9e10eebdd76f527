#include "net/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <memory>

#include "os/socket_queue.h"

namespace pageferry {

namespace {

using Clock = std::chrono::steady_clock;

// Takes `bytes` off the front of the parts; returns the index of the first part that is not empty.
std::size_t advance(std::span<iovec> parts, std::size_t at, std::size_t bytes) {
  while (at < parts.size() && bytes >= parts[at].iov_len) {
    bytes -= parts[at].iov_len;
    ++at;
  }
  if (bytes > 0) {
    parts[at].iov_base = static_cast<char*>(parts[at].iov_base) + bytes;
    parts[at].iov_len -= bytes;
  }
  return at;
}

timeval to_timeval(std::chrono::milliseconds time) {
  return {.tv_sec = time.count() / 1000, .tv_usec = (time.count() % 1000) * 1000};
}

// Waits until the descriptor is ready, or reports an error that the next call on it will return.
Status wait_for(int fd, short events, const char* what, Clock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return Status(StatusCode::kTimedOut, std::string(what) + ": no answer");
    pollfd waiting = {.fd = fd, .events = events, .revents = 0};
    const int most = static_cast<int>(std::min<std::int64_t>(left.count(), INT_MAX));
    const int ready = ::poll(&waiting, 1, most);
    if (ready > 0) return Status();
    if (ready < 0 && errno != EINTR) return Status::from_errno(what);
  }
}

// Connects one socket within `timeout`, and leaves it blocking.
Status connect_within(int fd, const sockaddr* address, socklen_t length,
                      std::chrono::milliseconds timeout) {
  const int flags = ::fcntl(fd, F_GETFL);
  ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  if (::connect(fd, address, length) != 0) {
    if (errno != EINPROGRESS) return Status::from_errno("connect");
    if (Status ready = wait_for(fd, POLLOUT, "connect", Clock::now() + timeout); !ready.ok()) {
      return ready;
    }
    int failure = 0;
    socklen_t size = sizeof(failure);
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size);
    if (failure != 0) return Status::from_errno("connect", failure);
  }
  ::fcntl(fd, F_SETFL, flags);
  return Status();
}

}  // namespace

Socket::Socket(Socket&& other) noexcept
    : fd_(std::move(other.fd_)),
      shut_down_(other.shut_down_.load()),
      bytes_sent_(other.bytes_sent_.load()),
      bytes_received_(other.bytes_received_.load()) {}

Result<Socket> Socket::connect(const std::string& host, std::uint16_t port,
                               std::chrono::milliseconds timeout) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) {
    return Status(StatusCode::kInvalidArgument,
                  "no address for " + host + ": " + gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  Status last(StatusCode::kInvalidArgument, "no address for " + host);
  for (const addrinfo* at = addresses.get(); at != nullptr; at = at->ai_next) {
    UniqueFd fd(::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol));
    if (!fd) {
      last = Status::from_errno("socket");
      continue;
    }
    last = connect_within(fd.get(), at->ai_addr, at->ai_addrlen, timeout);
    if (last.ok()) return Socket(std::move(fd));
  }
  return last;
}

Status Socket::failure(const char* what, int system_error) const {
  if (shut_down_.load(std::memory_order_acquire)) return Status(StatusCode::kCancelled, what);
  if (system_error == EAGAIN || system_error == EWOULDBLOCK) {
    return Status(StatusCode::kTimedOut, std::string(what) + ": the peer takes nothing any more");
  }
  return Status::from_errno(what, system_error);
}

Status Socket::end_of_stream() const {
  if (shut_down_.load(std::memory_order_acquire)) return Status(StatusCode::kCancelled, "receive");
  return Status(StatusCode::kPeerClosed, "the peer closed the connection");
}

Status Socket::send_all(std::span<iovec> parts) {
  std::size_t at = advance(parts, 0, 0);
  while (at < parts.size()) {
    msghdr message = {};
    message.msg_iov = &parts[at];
    message.msg_iovlen = std::min<std::size_t>(parts.size() - at, IOV_MAX);
    const ssize_t sent = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      return failure("send", errno);
    }
    bytes_sent_.fetch_add(static_cast<std::uint64_t>(sent), std::memory_order_relaxed);
    at = advance(parts, at, static_cast<std::size_t>(sent));
  }
  return Status();
}

Status Socket::send_all(const void* data, std::size_t bytes) {
  iovec part = {const_cast<void*>(data), bytes};
  return send_all(std::span(&part, 1));
}

Status Socket::receive_all(std::span<iovec> parts) {
  std::size_t at = advance(parts, 0, 0);
  while (at < parts.size()) {
    msghdr message = {};
    message.msg_iov = &parts[at];
    message.msg_iovlen = std::min<std::size_t>(parts.size() - at, IOV_MAX);
    const ssize_t received = ::recvmsg(fd_.get(), &message, MSG_WAITALL);
    if (received < 0) {
      if (errno == EINTR) continue;
      return failure("receive", errno);
    }
    if (received == 0) return end_of_stream();
    bytes_received_.fetch_add(static_cast<std::uint64_t>(received), std::memory_order_relaxed);
    at = advance(parts, at, static_cast<std::size_t>(received));
  }
  return Status();
}

Status Socket::receive_all(void* data, std::size_t bytes) {
  iovec part = {data, bytes};
  return receive_all(std::span(&part, 1));
}

Result<std::size_t> Socket::receive_available(void* data, std::size_t bytes) {
  const ssize_t received = ::recv(fd_.get(), data, bytes, MSG_DONTWAIT);
  if (received == 0) return end_of_stream();
  if (received < 0) {
    if (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK) return std::size_t{0};
    return failure("receive", errno);
  }
  bytes_received_.fetch_add(static_cast<std::uint64_t>(received), std::memory_order_relaxed);
  return static_cast<std::size_t>(received);
}

Status Socket::receive_all_within(void* data, std::size_t bytes,
                                  std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  auto* at = static_cast<char*>(data);
  while (bytes > 0) {
    if (Status ready = wait_for(fd_.get(), POLLIN, "receive", deadline); !ready.ok()) return ready;
    const ssize_t received = ::recv(fd_.get(), at, bytes, MSG_DONTWAIT);
    if (received == 0) return end_of_stream();
    if (received < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      return failure("receive", errno);
    }
    bytes_received_.fetch_add(static_cast<std::uint64_t>(received), std::memory_order_relaxed);
    at += received;
    bytes -= static_cast<std::size_t>(received);
  }
  return Status();
}

bool Socket::peer_closed() const {
  char probe = 0;
  const ssize_t peeked = ::recv(fd_.get(), &probe, 1, MSG_PEEK | MSG_DONTWAIT);
  return peeked == 0 || (peeked < 0 && errno != EAGAIN && errno != EINTR);
}

bool Socket::peer_is_local() const {
  sockaddr_storage here = {};
  sockaddr_storage there = {};
  socklen_t here_size = sizeof(here);
  socklen_t there_size = sizeof(there);
  if (::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&here), &here_size) != 0) return false;
  if (::getpeername(fd_.get(), reinterpret_cast<sockaddr*>(&there), &there_size) != 0) return false;
  if (here.ss_family != there.ss_family) return false;
  if (here.ss_family == AF_INET) {
    return reinterpret_cast<sockaddr_in*>(&here)->sin_addr.s_addr ==
           reinterpret_cast<sockaddr_in*>(&there)->sin_addr.s_addr;
  }
  return std::memcmp(&reinterpret_cast<sockaddr_in6*>(&here)->sin6_addr,
                     &reinterpret_cast<sockaddr_in6*>(&there)->sin6_addr, sizeof(in6_addr)) == 0;
}

void Socket::set_no_delay() {
  const int on = 1;
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void Socket::set_send_timeout(std::chrono::milliseconds timeout) {
  const timeval value = to_timeval(timeout);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &value, sizeof(value));
}

void Socket::set_send_buffer(int bytes) {
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

void Socket::set_congestion_control(const char* name) {
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_CONGESTION, name,
               static_cast<socklen_t>(std::strlen(name)));
}

std::uint64_t Socket::bytes_unacknowledged() const { return unacknowledged_bytes(fd_.get()); }

std::optional<RoundTrip> Socket::round_trip() const { return round_trip_of(fd_.get()); }

void Socket::shutdown() {
  shut_down_.store(true, std::memory_order_release);
  if (fd_.valid()) ::shutdown(fd_.get(), SHUT_RDWR);
}

}  // namespace pageferry
