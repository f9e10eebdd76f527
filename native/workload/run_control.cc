#include "workload/run_control.h"

#include <chrono>
#include <ctime>
#include <thread>

namespace pageferry {

std::int64_t monotonic_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

bool RunControl::await_resume() {
  MutexLock lock(mutex_);
  while (!stopping_ && pause_requested()) guest_.wait(lock);
  if (stopping_) return false;
  // Counted here, under the lock: a pause() that comes before this thread woke has nothing to wait
  // for.
  ++running_;
  return true;
}

bool RunControl::sleep_until(std::int64_t deadline_ns) {
  // libstdc++'s steady clock is CLOCK_MONOTONIC.
  const std::chrono::steady_clock::time_point deadline{std::chrono::nanoseconds(deadline_ns)};
  MutexLock lock(mutex_);
  while (!pause_requested()) {
    if (!guest_.wait_until(lock, deadline)) return !pause_requested();
  }
  return false;
}

void RunControl::park() {
  const MutexLock lock(mutex_);
  if (--running_ == 0) controller_.notify_all();
}

void RunControl::resume() {
  const MutexLock lock(mutex_);
  pause_requested_.store(false, std::memory_order_release);
  guest_.notify_all();
}

// The mutex is free when guest threads wake: they need it to park.
void RunControl::request_pause() {
  {
    const MutexLock lock(mutex_);
    pause_requested_.store(true, std::memory_order_release);
  }
  guest_.notify_all();
}

void RunControl::pause() {
  request_pause();
  MutexLock lock(mutex_);
  while (running_ != 0) controller_.wait(lock);
}

bool RunControl::pause_within(std::chrono::nanoseconds patience) {
  request_pause();
  const auto end = std::chrono::steady_clock::now() + patience;
  while (running_.load(std::memory_order_acquire) != 0) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::yield();
  }
  return true;
}

void RunControl::stop() {
  const MutexLock lock(mutex_);
  stopping_ = true;
  guest_.notify_all();
}

}  // namespace pageferry
