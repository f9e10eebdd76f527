// What a test can tell of threads, that one sleeps in the kernel; and how to have no thread left. Tests
// only.
//
// Thread contract: one thread owns a WatchedThread; wait_until_asleep and done read what the thread left
// behind. A ThreadLimit is made, used and destroyed on one thread.
#pragma once

#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <utility>

namespace pageferry::testing {

class WatchedThread {
 public:
  explicit WatchedThread(std::function<void()> body)
      : thread_([this, body = std::move(body)] {
          id_.store(::gettid());
          body();
          done_.store(true);
        }) {}
  ~WatchedThread() { join(); }

  bool done() const { return done_.load(); }

  // Returns once the thread sleeps in a system call or a page fault, or has ended.
  void wait_until_asleep() const {
    while (!done() && !asleep()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  void join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  bool asleep() const {
    const int id = id_.load();
    if (id == 0) return false;
    std::ifstream file("/proc/self/task/" + std::to_string(id) + "/stat");
    std::string line;
    std::getline(file, line);
    // pid (name) state ...: the name may hold anything, so the last parenthesis counts.
    const auto name_end = line.rfind(')');
    if (name_end == std::string::npos || name_end + 2 >= line.size()) return false;
    const char state = line[name_end + 2];
    return state == 'S' || state == 'D';
  }

  std::atomic<int> id_{0};
  std::atomic<bool> done_{false};
  std::thread thread_;
};

// The kernel's limit of threads, for the calling thread and those that it starts from here on. Root and who
// has two of its capabilities are exempt from it, so for as long as this lives these threads are neither.
class ThreadLimit {
 public:
  ThreadLimit() {
    ::getrlimit(RLIMIT_NPROC, &before_);
    if (::getuid() != 0) return;
    set_real_user(kNobody);
    set_effective(0);
  }
  ~ThreadLimit() {
    lift();
    if (::syscall(SYS_getuid) != kNobody) return;
    set_effective(1);
    set_real_user(0);
  }
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;

  // From its return on the kernel refuses these threads every new one.
  void reach() {
    const rlimit none = {.rlim_cur = 0, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_NPROC, &none);
  }
  void lift() { ::setrlimit(RLIMIT_NPROC, &before_); }

 private:
  static constexpr long kNobody = 65534;

  // Past the C library, which would tell every thread of the process.
  static void set_real_user(long user) { ::syscall(SYS_setresuid, user, -1, -1); }
  static void set_effective(std::uint32_t on) {
    __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
    ::syscall(SYS_capget, &header, data);
    for (const int capability : {CAP_SYS_RESOURCE, CAP_SYS_ADMIN}) {
      const std::uint32_t bit = 1u << capability;
      if (on == 0) {
        data[0].effective &= ~bit;
      } else {
        data[0].effective |= data[0].permitted & bit;
      }
    }
    ::syscall(SYS_capset, &header, data);
  }

  rlimit before_ = {};
};

// Waits for a condition that another thread is certain to bring about.
template <class Condition>
void wait_until(Condition condition) {
  while (!condition()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

}  // namespace pageferry::testing
