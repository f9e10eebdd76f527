#include "net/socket_stream.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <climits>
#include <string>
#include <string_view>

#include "net/socket_address.h"
#include "os/socket_queue.h"
#include "os/wait_for.h"

namespace pageferry {

namespace {

timeval to_timeval(std::chrono::milliseconds time) {
  return {.tv_sec = time.count() / 1000, .tv_usec = (time.count() % 1000) * 1000};
}

// Connects one socket within `timeout`, and leaves it blocking.
Status connect_within(int fd, const SocketAddress& address, std::chrono::milliseconds timeout) {
  const int flags = ::fcntl(fd, F_GETFL);
  ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  if (::connect(fd, address.raw(), address.bytes) != 0) {
    if (errno != EINPROGRESS) return Status::from_errno("connect");
    const Deadline deadline = Deadline::clock::now() + timeout;
    if (Status ready = wait_for_room(fd, "connect", deadline); !ready.ok()) return ready;
    int failure = 0;
    socklen_t size = sizeof(failure);
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size);
    if (failure != 0) return Status::from_errno("connect", failure);
  }
  ::fcntl(fd, F_SETFL, flags);
  return Status();
}

msghdr message_of(std::span<iovec> parts) {
  msghdr message = {};
  message.msg_iov = parts.data();
  message.msg_iovlen = std::min<std::size_t>(parts.size(), IOV_MAX);
  return message;
}

}  // namespace

SocketStream::SocketStream(SocketStream&& other) noexcept
    : fd_(std::move(other.fd_)),
      shut_down_(other.shut_down_.load()),
      bytes_sent_(other.bytes_sent_.load()),
      bytes_received_(other.bytes_received_.load()) {}

Result<SocketStream> SocketStream::connect(const Address& address,
                                           std::chrono::milliseconds timeout) {
  const auto addresses = resolve(address, Resolve::kToConnect);
  if (!addresses.ok()) return addresses.status();
  Status last;
  for (const SocketAddress& one : addresses.value()) {
    UniqueFd fd(::socket(one.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    last = fd ? connect_within(fd.get(), one, timeout) : Status::from_errno("socket");
    if (!last.ok()) continue;
    SocketStream stream(std::move(fd));
    stream.tune();
    return stream;
  }
  return last;
}

Status SocketStream::failure(const char* what, int system_error) const {
  if (shut_down_.load(std::memory_order_acquire)) return Status(StatusCode::kCancelled, what);
  if (system_error == EAGAIN || system_error == EWOULDBLOCK) {
    return Status(StatusCode::kTimedOut, std::string(what) + ": the peer takes nothing any more");
  }
  return Status::from_errno(what, system_error);
}

Status SocketStream::end_of_stream() const {
  if (shut_down_.load(std::memory_order_acquire)) return Status(StatusCode::kCancelled, "receive");
  return Status(StatusCode::kPeerClosed, "the peer closed the connection");
}

// What a system call that moved so many bytes, or failed, means.
Result<std::size_t> SocketStream::outcome(const char* what, ssize_t moved, Wait wait,
                                          std::atomic<std::uint64_t>& count) const {
  if (moved >= 0) {
    const auto bytes = static_cast<std::size_t>(moved);
    count.fetch_add(bytes, std::memory_order_relaxed);
    return bytes;
  }
  const bool would_wait = errno == EAGAIN || errno == EWOULDBLOCK;
  if (errno == EINTR || (would_wait && wait == Wait::kNo)) return std::size_t{0};
  return failure(what, errno);
}

Result<std::size_t> SocketStream::send_some(std::span<iovec> parts, Wait wait) {
  const msghdr message = message_of(parts);
  const int flags = MSG_NOSIGNAL | (wait == Wait::kNo ? MSG_DONTWAIT : 0);
  return outcome("send", ::sendmsg(fd_.get(), &message, flags), wait, bytes_sent_);
}

Result<std::size_t> SocketStream::receive_some(std::span<iovec> parts, Wait wait) {
  msghdr message = message_of(parts);
  const int flags = wait == Wait::kNo ? MSG_DONTWAIT : wait == Wait::kForAll ? MSG_WAITALL : 0;
  const ssize_t received = ::recvmsg(fd_.get(), &message, flags);
  if (received == 0) return end_of_stream();
  return outcome("receive", received, wait, bytes_received_);
}

bool SocketStream::peer_closed() {
  char probe = 0;
  const ssize_t peeked = ::recv(fd_.get(), &probe, 1, MSG_PEEK | MSG_DONTWAIT);
  return peeked == 0 || (peeked < 0 && errno != EAGAIN && errno != EINTR);
}

bool SocketStream::peer_is_local() const {
  const auto here = local_address(fd_.get());
  const auto there = peer_address(fd_.get());
  return here.ok() && there.ok() && same_host(here.value(), there.value());
}

void SocketStream::tune() {
  const int on = 1;
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (!peer_is_local()) return;
  constexpr std::string_view kUnpaced = "cubic";
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_CONGESTION, kUnpaced.data(), kUnpaced.size());
}

void SocketStream::set_send_timeout(std::chrono::milliseconds timeout) {
  const timeval value = to_timeval(timeout);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &value, sizeof(value));
}

void SocketStream::set_send_buffer(int bytes) {
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

std::uint64_t SocketStream::bytes_unacknowledged() const { return unacknowledged_bytes(fd_.get()); }

std::optional<RoundTrip> SocketStream::round_trip() const { return round_trip_of(fd_.get()); }

void SocketStream::end_sending() { ::shutdown(fd_.get(), SHUT_WR); }

void SocketStream::shutdown() {
  shut_down_.store(true, std::memory_order_release);
  if (fd_.valid()) ::shutdown(fd_.get(), SHUT_RDWR);
}

}  // namespace pageferry
