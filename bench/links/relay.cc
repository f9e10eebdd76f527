// A link with a delay: passes on TCP connections, each byte half a round-trip time after it came.
//
//   relay TARGET_PORT RTT_US
//
// Listens on a free port of 127.0.0.1, prints {"port": N}, and connects to TARGET_PORT there for each
// connection that it accepts. Half-close and reset are passed on. Setting a connection up is not delayed:
// the kernel answers before the relay knows. Ends when its standard input does, with whoever started it.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <list>
#include <memory>
#include <optional>

#include "byte_queue.h"
#include "direction.h"

namespace relay {

namespace {

constexpr Nanoseconds kSecond = 1'000'000'000;
// More than one process can pass on: what may be on its way must not be what limits the rate.
constexpr std::int64_t kMostBytesPerSecond = 4'000'000'000;
constexpr std::size_t kLeastInFlight = std::size_t{4} << 20;

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

Nanoseconds now() {
  timespec time;
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

void configure(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  // Not one that paces, which would be a rate limit of its own. Where there is no cubic, the default.
  ::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
}

int listen_anywhere() {
  sockaddr_in address = loopback(0);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(fd, SOMAXCONN) != 0) {
    die("listen");
  }
  return fd;
}

std::uint16_t port_of(int fd) {
  sockaddr_in address = {};
  socklen_t length = sizeof(address);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) die("getsockname");
  return ntohs(address.sin_port);
}

// Answers a socket that is connecting, or -1.
int begin_connect(std::uint16_t port) {
  const sockaddr_in address = loopback(port);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  configure(fd);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(fd, generic, sizeof(address)) == 0 || errno == EINPROGRESS) return fd;
  ::close(fd);
  return -1;
}

void close_with_reset(int fd) {
  const linger at_once = {.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  ::close(fd);
}

// Both sockets of a connection and what is between them.
class Connection {
 public:
  Connection(int client, int server, BlockPool& pool, const Limits& limits)
      : client_{.fd = client},
        server_{.fd = server},
        there_(client_, server_, pool, limits),
        back_(server_, client_, pool, limits) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    const auto close = finished() ? [](int fd) { ::close(fd); } : close_with_reset;
    close(client_.fd);
    close(server_.fd);
  }

  Socket& client() { return client_; }
  Socket& server() { return server_; }

  // Answers whether there is more to do right now.
  bool pump(Nanoseconds now) {
    const bool there = there_.pump(now);
    const bool back = back_.pump(now);
    return there || back;
  }
  bool over(Nanoseconds now) const { return finished() || there_.broken(now) || back_.broken(now); }
  std::optional<Nanoseconds> due() const {
    const auto there = there_.due();
    const auto back = back_.due();
    if (!there || !back) return there ? there : back;
    return std::min(*there, *back);
  }

 private:
  bool finished() const { return there_.finished() && back_.finished(); }

  Socket client_;
  Socket server_;
  Direction there_;
  Direction back_;
};

class Relay {
 public:
  Relay(std::uint16_t target, const Limits& limits)
      : target_(target),
        limits_(limits),
        listener_(listen_anywhere()),
        timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (timer_ < 0 || epoll_ < 0) die("epoll");
    // Their addresses tell them from sockets.
    watch(listener_, EPOLLIN, &listener_);
    watch(timer_, EPOLLIN, &timer_);
    watch(STDIN_FILENO, EPOLLIN, &stdin_);
  }

  std::uint16_t port() const { return port_of(listener_); }

  // Until standard input ends.
  void run() {
    bool has_more = false;
    while (handle_events(has_more ? 0 : -1)) {
      has_more = pump_all();
      if (!has_more) set_timer();
    }
  }

 private:
  void watch(int fd, std::uint32_t events, void* tag) {
    epoll_event event = {.events = events, .data = {.ptr = tag}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
  }

  void watch(Socket& socket) {
    watch(socket.fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, &socket);
  }

  bool handle_events(int timeout_ms) {
    std::array<epoll_event, 64> events;
    const int count = ::epoll_wait(epoll_, events.data(), events.size(), timeout_ms);
    if (count < 0 && errno != EINTR) die("epoll_wait");
    for (int i = 0; i < count; ++i) {
      if (!handle(events[static_cast<std::size_t>(i)])) return false;
    }
    return true;
  }

  bool handle(const epoll_event& event) {
    if (event.data.ptr == &stdin_) {
      char ignored[64];
      return ::read(STDIN_FILENO, ignored, sizeof(ignored)) > 0;
    }
    if (event.data.ptr == &listener_) {
      accept_all();
    } else if (event.data.ptr == &timer_) {
      std::uint64_t expirations = 0;
      if (::read(timer_, &expirations, sizeof(expirations)) < 0 && errno != EAGAIN) die("timer");
    } else {
      // An error is for whoever reads or writes next.
      const std::uint32_t ended = EPOLLERR | EPOLLHUP;
      auto& socket = *static_cast<Socket*>(event.data.ptr);
      socket.readable |= (event.events & (EPOLLIN | EPOLLRDHUP | ended)) != 0;
      socket.writable |= (event.events & (EPOLLOUT | ended)) != 0;
    }
    return true;
  }

  void accept_all() {
    for (;;) {
      const int client = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (client < 0) return;
      configure(client);
      const int server = begin_connect(target_);
      if (server < 0) {
        close_with_reset(client);
        continue;
      }
      auto& added = connections_.emplace_back(client, server, pool_, limits_);
      watch(added.client());
      watch(added.server());
    }
  }

  // Answers whether there is more to do right now.
  bool pump_all() {
    bool has_more = false;
    for (auto& connection : connections_) has_more |= connection.pump(now());
    connections_.remove_if([at = now()](const Connection& one) { return one.over(at); });
    return has_more;
  }

  void set_timer() {
    std::optional<Nanoseconds> next;
    for (const auto& connection : connections_) {
      const auto due = connection.due();
      if (due && (!next || *due < *next)) next = due;
    }
    // All zeros would disarm it, and so would the time 0.
    const Nanoseconds at = next.value_or(0);
    const itimerspec when = {.it_interval = {},
                             .it_value = {.tv_sec = at / kSecond, .tv_nsec = at % kSecond}};
    if (::timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr) != 0) die("timerfd_settime");
  }

  const std::uint16_t target_;
  const Limits limits_;
  BlockPool pool_;
  // A list: epoll and the directions hold addresses of what is in it.
  std::list<Connection> connections_;
  int listener_;
  int timer_;
  int epoll_;
  char stdin_ = 0;
};

}  // namespace

}  // namespace relay

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: relay TARGET_PORT RTT_US\n");
    return 2;
  }
  const auto delay = static_cast<relay::Nanoseconds>(std::atoll(argv[2])) * 1000 / 2;
  const auto carried =
      static_cast<std::size_t>(relay::kMostBytesPerSecond / 1000 * delay / 1'000'000);
  const relay::Limits limits = {.delay = delay,
                                .in_flight = std::max(relay::kLeastInFlight, carried)};
  relay::Relay relay(static_cast<std::uint16_t>(std::atoi(argv[1])), limits);
  std::printf("{\"port\": %u}\n", relay.port());
  std::fflush(stdout);
  relay.run();
}
