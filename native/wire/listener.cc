#include "wire/listener.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "os/contained.h"

namespace pageferry {

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kPreambleTimeout = std::chrono::seconds(5);
// Connections that have not said who they are yet. More than this are left in the kernel's queue.
constexpr std::size_t kMaxPending = 256;
constexpr int kTickMs = 200;

std::string name_of(const sockaddr_storage& address) {
  char host[INET6_ADDRSTRLEN] = {};
  std::uint16_t port = 0;
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, host, sizeof(host));
    port = ntohs(v4.sin_port);
    return std::string(host) + ":" + std::to_string(port);
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  ::inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof(host));
  port = ntohs(v6.sin6_port);
  return "[" + std::string(host) + "]:" + std::to_string(port);
}

Result<std::uint16_t> bound_port(int fd) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return Status::from_errno("getsockname");
  }
  return ntohs(address.ss_family == AF_INET
                   ? reinterpret_cast<const sockaddr_in&>(address).sin_port
                   : reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
}

Result<UniqueFd> listen_on(const addrinfo& address) {
  UniqueFd fd(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return Status::from_errno("socket");
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(fd.get(), address.ai_addr, address.ai_addrlen) != 0) return Status::from_errno("bind");
  if (::listen(fd.get(), SOMAXCONN) != 0) return Status::from_errno("listen");
  return fd;
}

}  // namespace

struct Listener::Pending {
  UniqueFd fd;
  std::string peer;
  Clock::time_point deadline;
  wire::Preamble preamble = {};
  std::size_t received = 0;
};

struct Listener::Watch {
  std::vector<Pending> pending;
  std::vector<pollfd> waiting;
  // Nothing is left to accept with, a descriptor or memory: poll() would not wait for it.
  bool resting = false;
  bool told = false;  // on_trouble was called, and not all that waited could be accepted since.
};

Result<std::unique_ptr<Listener>> Listener::open(const std::string& host, std::uint16_t port,
                                                 OnArrival on_arrival, OnStranger on_stranger,
                                                 OnTrouble on_trouble) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) {
    return Status(StatusCode::kInvalidArgument,
                  "no address for " + host + ": " + gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  auto fd = listen_on(*addresses);
  if (!fd.ok()) return fd.status();
  const auto actual_port = bound_port(fd.value().get());
  if (!actual_port.ok()) return actual_port.status();
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop) return Status::from_errno("eventfd");
  std::unique_ptr<Listener> listener(new Listener(std::move(fd.value()), std::move(stop),
                                                  actual_port.value(), std::move(on_arrival),
                                                  std::move(on_stranger), std::move(on_trouble)));
  auto thread =
      NativeThread::start("listener", [self = listener.get()]() noexcept { self->run(); });
  if (!thread.ok()) return thread.status();
  const MutexLock lock(listener->closing_);
  listener->thread_.emplace(std::move(thread.value()));
  return listener;
}

Listener::Listener(UniqueFd fd, UniqueFd stop, std::uint16_t port, OnArrival on_arrival,
                   OnStranger on_stranger, OnTrouble on_trouble)
    : fd_(std::move(fd)),
      stop_(std::move(stop)),
      port_(port),
      on_arrival_(std::move(on_arrival)),
      on_stranger_(std::move(on_stranger)),
      on_trouble_(std::move(on_trouble)) {}

Listener::~Listener() { close(); }

void Listener::close() {
  const MutexLock lock(closing_);
  if (!thread_.has_value()) return;
  stopping_.store(true, std::memory_order_release);
  ::eventfd_write(stop_.get(), 1);
  thread_.reset();  // Joins it.
  fd_.reset();
  stop_.reset();
  // Lets go of whatever the callbacks hold.
  on_arrival_ = nullptr;
  on_stranger_ = nullptr;
  on_trouble_ = nullptr;
}

void Listener::run() noexcept {
  Watch watch;
  while (!stopping_.load(std::memory_order_acquire)) {
    const Status taken = contained([&] { return take_turn(watch); });
    if (taken.ok()) continue;
    // Out of memory. Whoever had not said who it is may come again; the port stays open.
    watch.pending.clear();
    rest(watch, taken);
  }
}

Status Listener::take_turn(Watch& watch) {
  std::vector<Pending>& pending = watch.pending;
  std::vector<pollfd>& waiting = watch.waiting;
  waiting.clear();
  waiting.push_back({.fd = stop_.get(), .events = POLLIN, .revents = 0});
  const bool full = pending.size() >= kMaxPending;
  waiting.push_back({.fd = full || watch.resting ? -1 : fd_.get(), .events = POLLIN, .revents = 0});
  for (const Pending& connection : pending) {
    waiting.push_back({.fd = connection.fd.get(), .events = POLLIN, .revents = 0});
  }
  ::poll(waiting.data(), waiting.size(), pending.empty() && !watch.resting ? -1 : kTickMs);
  if (waiting[0].revents != 0) return Status();
  const auto now = Clock::now();
  std::size_t index = 2;
  std::erase_if(pending, [&](Pending& connection) {
    const bool readable = waiting[index++].revents != 0;
    if (readable && read_preamble(connection)) return true;
    if (now < connection.deadline) return false;
    on_stranger_(connection.peer, "sent no complete preamble within 5 seconds");
    return true;
  });
  if (waiting[1].revents == 0) {
    // Rested: the next look finds the connections that still wait.
    watch.resting = false;
    return Status();
  }
  if (const Status accepted = accept_all(pending); !accepted.ok()) {
    rest(watch, accepted);
  } else {
    watch.resting = watch.told = false;
  }
  return Status();
}

void Listener::rest(Watch& watch, const Status& trouble) {
  watch.resting = true;
  if (!std::exchange(watch.told, true)) on_trouble_(trouble);
}

Status Listener::accept_all(std::vector<Pending>& pending) {
  while (pending.size() < kMaxPending) {
    sockaddr_storage address = {};
    socklen_t size = sizeof(address);
    UniqueFd fd(::accept4(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_CLOEXEC));
    if (!fd) {
      const bool exhausted =
          errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
      return exhausted ? Status::from_errno("accept") : Status();
    }
    pending.push_back({.fd = std::move(fd),
                       .peer = name_of(address),
                       .deadline = Clock::now() + kPreambleTimeout});
  }
  return Status();
}

bool Listener::read_preamble(Pending& connection) {
  auto* bytes = reinterpret_cast<std::uint8_t*>(&connection.preamble);
  const ssize_t got = ::recv(connection.fd.get(), bytes + connection.received,
                             sizeof(wire::Preamble) - connection.received, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (got <= 0) {
    on_stranger_(connection.peer, "closed before its preamble was complete");
    return true;
  }
  connection.received += static_cast<std::size_t>(got);
  // Judged on what has arrived, so that a peer that speaks first in another protocol is closed at once.
  const auto compared = std::min(connection.received, wire::kMagic.size());
  if (std::memcmp(bytes, wire::kMagic.data(), compared) != 0) {
    on_stranger_(connection.peer, "speaks another protocol");
    return true;
  }
  if (connection.received < sizeof(wire::Preamble)) return false;
  const wire::Preamble& preamble = connection.preamble;
  Socket socket(std::move(connection.fd));
  if (preamble.version != wire::kVersion) {
    (void)answer_preamble(socket, wire::PreambleStatus::kVersionNotSupported);
    on_stranger_(connection.peer, "speaks version " + std::to_string(preamble.version) +
                                      " of the protocol, not " + std::to_string(wire::kVersion));
    return true;
  }
  const auto role = static_cast<std::uint8_t>(preamble.role);
  const bool numbered = preamble.role == wire::Role::kPage || preamble.channel == 0;
  if (role < 1 || role > 3 || preamble.reserved != 0 || !numbered) {
    on_stranger_(connection.peer, "sent a malformed preamble");
    return true;
  }
  on_arrival_({.preamble = preamble, .socket = std::move(socket), .peer = connection.peer});
  return true;
}

Status answer_preamble(Socket& socket, wire::PreambleStatus status) {
  const wire::PreambleReply reply = {
      .magic = wire::kMagic, .version = wire::kVersion, .status = status, .reserved = 0};
  return socket.send_all(&reply, sizeof(reply));
}

Status offer_preamble(Socket& socket, wire::Role role, std::uint32_t channel,
                      const std::array<std::uint8_t, 16>& migration_id,
                      std::chrono::milliseconds timeout) {
  const wire::Preamble preamble = {.magic = wire::kMagic,
                                   .version = wire::kVersion,
                                   .role = role,
                                   .reserved = 0,
                                   .channel = channel,
                                   .migration_id = migration_id};
  if (Status sent = socket.send_all(&preamble, sizeof(preamble)); !sent.ok()) return sent;
  wire::PreambleReply reply = {};
  const Status received = socket.receive_all_within(&reply, sizeof(reply), timeout);
  if (received.code() == StatusCode::kPeerClosed || received.system_error() == ECONNRESET) {
    return Status(StatusCode::kProtocol, "closed the connection instead of answering the preamble");
  }
  if (received.code() == StatusCode::kTimedOut) {
    return Status(StatusCode::kTimedOut, "takes connections and does not answer them", EAGAIN);
  }
  if (!received.ok()) return received;
  if (reply.magic != wire::kMagic) {
    return Status(StatusCode::kProtocol, "does not speak the pageferry protocol");
  }
  switch (reply.status) {
    case wire::PreambleStatus::kAccepted:
      if (reply.reserved == 0) return Status();
      return Status(StatusCode::kProtocol, "answered with a reserved field that is not zero");
    case wire::PreambleStatus::kVersionNotSupported:
      return Status(StatusCode::kUnsupported, "speaks version " + std::to_string(reply.version) +
                                                  " of the protocol, this side version " +
                                                  std::to_string(wire::kVersion));
    case wire::PreambleStatus::kUnknownMigration:
      return Status(StatusCode::kProtocol, "does not know this migration");
    case wire::PreambleStatus::kBusy:
      return Status(StatusCode::kBusy, "serves as many migrations as it may");
  }
  return Status(StatusCode::kProtocol, "answered with an unknown status");
}

}  // namespace pageferry
