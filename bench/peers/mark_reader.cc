// Stamps the marks of QEMU's guests as they arrive. A small program of its own, because the event loop
// of the bench would blur the stamps.
//
//   mark_reader SOURCE_SOCKET DESTINATION_SOCKET OUTPUT_FILE
//
// Listens on two Unix sockets, to which the two QEMUs connect their guest's serial port. Prints a line
// for "listening", "filled" (the source's guest said so) and "arrived" (the first mark that the guest
// made at the destination). When its input ends it writes all stamps and ends: for each read that
// brought marks a record of 16 bytes, { nanoseconds of CLOCK_MONOTONIC: i64, side: u32 (0 source,
// 1 destination), marks: u32 }, in the order of time.
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr char kFilled = 'R';
constexpr char kMark = 'm';

enum Side : std::uint32_t { kSource = 0, kDestination = 1 };

struct Stamp {
  std::int64_t ns;
  std::uint32_t side;
  std::uint32_t marks;
};
static_assert(sizeof(Stamp) == 16);

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

void say(const char* line) {
  std::puts(line);
  std::fflush(stdout);
}

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

int listen_on(const char* path) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (std::strlen(path) >= sizeof(address.sun_path)) {
    std::fprintf(stderr, "mark_reader: a socket's path is too long: %s\n", path);
    std::exit(1);
  }
  std::strcpy(address.sun_path, path);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) die("bind");
  if (::listen(fd, 1) != 0) die("listen");
  return fd;
}

// Otherwise the wait for a processor would pass for a gap of the guest. Only root may; without it
// the stamps are as good as the scheduler lets them be.
void run_before_others() {
  const sched_param first{.sched_priority = 1};
  ::sched_setscheduler(0, SCHED_FIFO, &first);
}

class Reader {
 public:
  // Answers whether the connection goes on.
  bool read_from(int fd, Side side) {
    std::array<char, 4096> bytes;
    const ssize_t got = ::read(fd, bytes.data(), bytes.size());
    const std::int64_t ns = now_ns();
    if (got <= 0) return false;
    const char* begin = bytes.data();
    const char* end = begin + got;
    if (side == kSource && std::find(begin, end, kFilled) != end) say("filled");
    const auto marks = static_cast<std::uint32_t>(std::count(begin, end, kMark));
    if (marks == 0) return true;
    stamps_.push_back({.ns = ns, .side = side, .marks = marks});
    if (side == kDestination && !arrived_) {
      arrived_ = true;
      say("arrived");
    }
    return true;
  }

  void write_to(const char* path) const {
    std::FILE* file = std::fopen(path, "wb");
    if (file == nullptr) die(path);
    const std::size_t written = std::fwrite(stamps_.data(), sizeof(Stamp), stamps_.size(), file);
    if (written != stamps_.size() || std::fclose(file) != 0) die(path);
  }

 private:
  std::vector<Stamp> stamps_;
  bool arrived_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: mark_reader SOURCE_SOCKET DESTINATION_SOCKET OUTPUT_FILE\n");
    return 2;
  }
  // Of each side first the socket that listens, then the connection.
  std::array<pollfd, 3> watched{{{listen_on(argv[1]), POLLIN, 0},
                                 {listen_on(argv[2]), POLLIN, 0},
                                 {STDIN_FILENO, POLLIN, 0}}};
  std::array<bool, 2> connected{};
  run_before_others();
  say("listening");
  Reader reader;
  for (;;) {
    if (::poll(watched.data(), watched.size(), -1) < 0) die("poll");
    for (const Side side : {kSource, kDestination}) {
      pollfd& at = watched[side];
      if (at.revents == 0) continue;
      if (!connected[side]) {
        at.fd = ::accept4(at.fd, nullptr, nullptr, SOCK_CLOEXEC);
        if (at.fd < 0) die("accept");
        connected[side] = true;
      } else if (!reader.read_from(at.fd, side)) {
        at.fd = -1;
      }
    }
    if (watched[2].revents != 0) break;
  }
  reader.write_to(argv[3]);
}
