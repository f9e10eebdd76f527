// Notes when a core of this machine stands still: the host of a virtual machine may stop one for many
// milliseconds, and a guest that is migrated meanwhile feels a gap that no engine made.
//
//   stall_watch
//
// On every core that it may use a thread of real-time priority is due every 2 ms; no ordinary program goes
// before it. Where it wakes 3 ms late or more, the core stood still. Prints a line "watching" when all
// threads run, and when its input ends one line of JSON: {"stalls": [{"core", "atMs", "ms"}, …]}, in the
// order of time. `atMs` is when the thread was due, in milliseconds of CLOCK_MONOTONIC, `ms` how late it was.
// Without the permission for real-time priority it prints {"skipped": "the reason"} instead, and ends.
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <latch>
#include <memory>
#include <stop_token>
#include <thread>
#include <vector>

namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::int64_t kStepNs = 2 * kNsPerMs;
constexpr std::int64_t kLateNs = 3 * kNsPerMs;
// Of one core. What comes after them is not noted.
constexpr std::size_t kMostStalls = 10'000;

struct Stall {
  int core;
  std::int64_t due_ns;
  std::int64_t late_ns;
};

[[noreturn]] void die(const char* what, int error) {
  std::fprintf(stderr, "stall_watch: %s: %s\n", what, std::strerror(error));
  std::exit(1);
}

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kNsPerSecond + now.tv_nsec;
}

void sleep_until(std::int64_t ns) {
  const timespec due{.tv_sec = ns / kNsPerSecond, .tv_nsec = ns % kNsPerSecond};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, nullptr) == EINTR) {
  }
}

std::vector<int> usable_cores() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) die("sched_getaffinity", errno);
  std::vector<int> cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  }
  return cores;
}

// One core, from its making until stop().
class CoreWatch {
 public:
  CoreWatch(int core, std::latch& running)
      : core_(core),
        thread_([this, &running](const std::stop_token& stop) { run(running, stop); }) {}

  // What it noted, ascending in time. Nothing is noted after it.
  const std::vector<Stall>& stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
    return stalls_;
  }

 private:
  void run(std::latch& running, const std::stop_token& stop) {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(core_, &only);
    const int failure = ::pthread_setaffinity_np(::pthread_self(), sizeof(only), &only);
    if (failure != 0) die("pthread_setaffinity_np", failure);
    // No allocation while it watches.
    stalls_.reserve(kMostStalls);
    running.count_down();
    std::int64_t due = now_ns() + kStepNs;
    while (!stop.stop_requested()) {
      sleep_until(due);
      const std::int64_t now = now_ns();
      const bool is_late = now - due >= kLateNs;
      if (is_late && stalls_.size() < kMostStalls) stalls_.push_back({core_, due, now - due});
      due = (is_late ? now : due) + kStepNs;
    }
  }

  const int core_;
  std::vector<Stall> stalls_;
  // The last one: its end is waited for before what it uses is gone.
  std::jthread thread_;
};

void wait_for_end_of_input() {
  char byte;
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, &byte, 1);
    if (got == 0 || (got < 0 && errno != EINTR)) return;
  }
}

double in_ms(std::int64_t ns) { return static_cast<double>(ns) / kNsPerMs; }

void print(const std::vector<Stall>& stalls) {
  std::printf("{\"stalls\": [");
  const char* before = "";
  for (const auto& [core, due_ns, late_ns] : stalls) {
    std::printf("%s{\"core\": %d, \"atMs\": %.3f, \"ms\": %.3f}", before, core, in_ms(due_ns),
                in_ms(late_ns));
    before = ", ";
  }
  std::puts("]}");
}

}  // namespace

int main() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The threads inherit it.
  const sched_param first{.sched_priority = 1};
  if (::sched_setscheduler(0, SCHED_FIFO, &first) != 0) {
    std::printf("{\"skipped\": \"real-time priority: %s\"}\n", std::strerror(errno));
    return 0;
  }
  const std::vector<int> cores = usable_cores();
  std::latch running(static_cast<std::ptrdiff_t>(cores.size()));
  std::vector<std::unique_ptr<CoreWatch>> watches;
  for (const int core : cores) watches.push_back(std::make_unique<CoreWatch>(core, running));
  running.wait();
  std::puts("watching");
  std::fflush(stdout);
  wait_for_end_of_input();
  std::vector<Stall> stalls;
  for (const auto& watch : watches) {
    const std::vector<Stall>& of_core = watch->stop();
    stalls.insert(stalls.end(), of_core.begin(), of_core.end());
  }
  std::sort(stalls.begin(), stalls.end(),
            [](const Stall& a, const Stall& b) { return a.due_ns < b.due_ns; });
  print(stalls);
}
