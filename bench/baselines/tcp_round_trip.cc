// The limit for a demand fault: 16 bytes go out, a page of 4 KiB comes back, over one loopback
// connection between two processes, with TCP_NODELAY and blocking calls. Every answer is another
// random page of the answering process's memory.
//
//   tcp_round_trip --count N --pause-us N --congestion cubic|bbr|…|default
//                  --placement any|one-core|two-cores
//
// With a pause between round trips both processes fall asleep, as the threads of an idle migration do.
// Where the scheduler puts the two decides more than anything else, so the placement can be asked for:
// waking a neighbour on the same core is cheap, waking an idle core of a virtual machine is not.
#include <sched.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "loopback.h"

namespace {

constexpr std::size_t kRequestBytes = 16;
constexpr std::size_t kMemoryBytes = std::size_t{64} << 20;
constexpr std::size_t kWarmUp = 1000;

using Request = std::array<std::uint64_t, kRequestBytes / sizeof(std::uint64_t)>;

// Binds this process to the first or, for the child of two cores, to the second core it may use.
void place(const std::string& placement, baseline::Role role) {
  if (placement == "any") return;
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof(allowed), &allowed) != 0) baseline::die("sched_getaffinity");
  int left = placement == "two-cores" && role == baseline::Role::kChild ? 1 : 0;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (!CPU_ISSET(core, &allowed) || left-- > 0) continue;
    cpu_set_t chosen;
    CPU_ZERO(&chosen);
    CPU_SET(core, &chosen);
    if (::sched_setaffinity(0, sizeof(chosen), &chosen) != 0) baseline::die("sched_setaffinity");
    return;
  }
}

void answer(int fd, std::size_t count) {
  std::byte* memory = baseline::map_memory(kMemoryBytes);
  baseline::fill_random(memory, kMemoryBytes, 1);
  const char ready = 1;
  baseline::send_all(fd, &ready, 1);
  for (std::size_t i = 0; i < count; ++i) {
    Request request;
    baseline::receive_all(fd, request.data(), kRequestBytes);
    const std::size_t page = request[1] % (kMemoryBytes / baseline::kPageBytes);
    baseline::send_all(fd, memory + page * baseline::kPageBytes, baseline::kPageBytes);
  }
}

void pause_for(long microseconds) {
  if (microseconds == 0) return;
  const timespec time = {.tv_sec = microseconds / 1'000'000,
                         .tv_nsec = microseconds % 1'000'000 * 1000};
  ::nanosleep(&time, nullptr);
}

// Answers each round trip's microseconds, ascending.
std::vector<double> ask(int fd, std::size_t count, long pause_us) {
  std::vector<double> took;
  took.reserve(count);
  std::vector<std::byte> page(baseline::kPageBytes);
  Request request = {1, 88172645463325252u};
  char ready = 0;
  baseline::receive_all(fd, &ready, 1);
  for (std::size_t i = 0; i < kWarmUp + count; ++i) {
    if (i >= kWarmUp) pause_for(pause_us);
    request[1] ^= request[1] << 13;
    request[1] ^= request[1] >> 7;
    request[1] ^= request[1] << 17;
    const double started = baseline::now_seconds();
    baseline::send_all(fd, request.data(), kRequestBytes);
    baseline::receive_all(fd, page.data(), page.size());
    if (i >= kWarmUp) took.push_back((baseline::now_seconds() - started) * 1e6);
  }
  std::sort(took.begin(), took.end());
  return took;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = std::stoull(baseline::option(argc, argv, "--count", "20000"));
  const long pause_us = std::stol(baseline::option(argc, argv, "--pause-us", "0"));
  const std::string congestion = baseline::option(argc, argv, "--congestion", "default");
  if (count == 0 || pause_us < 0) {
    std::fprintf(stderr,
                 "tcp_round_trip: --count must be at least 1 and --pause-us not negative\n");
    return 2;
  }
  const auto [role, fd] =
      baseline::fork_over_loopback({.congestion = congestion, .no_delay = true});
  place(baseline::option(argc, argv, "--placement", "any"), role);
  std::vector<double> took;
  if (role == baseline::Role::kChild) {
    answer(fd, kWarmUp + count);
  } else {
    took = ask(fd, count, pause_us);
  }
  baseline::finish(role);
  const auto at = [&](double share) {
    return took[static_cast<std::size_t>(share * static_cast<double>(count - 1))];
  };
  std::printf("{\"count\": %zu, \"p50Us\": %.3f, \"p99Us\": %.3f, \"maxUs\": %.3f}\n", count,
              at(0.5), at(0.99), took.back());
}
