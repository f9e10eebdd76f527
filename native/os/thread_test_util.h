// What a test can tell of threads: that one sleeps in the kernel. Tests only.
//
// Thread contract: one thread owns it; wait_until_asleep and done read what the thread left behind.
#pragma once

#include <unistd.h>

#include <atomic>
#include <chrono>
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

// Waits for a condition that another thread is certain to bring about.
template <class Condition>
void wait_until(Condition condition) {
  while (!condition()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

}  // namespace pageferry::testing
