// A thread that is joined when its owner goes away: the only way to have one. Where the system has no
// thread left, it answers so, and whoever needed the thread fails alone.
//
// Thread contract: start, move and destroy on one thread at a time. The body must end by itself, or
// be told to by its owner before the destructor runs.
#pragma once

#include <pthread.h>

#include <functional>
#include <string>
#include <type_traits>
#include <utility>

#include "os/status.h"

namespace pageferry {

class NativeThread {
 public:
  // `name` shows in ps and gdb; at most 15 characters of it. The body is noexcept: it hands what goes
  // wrong to whoever waits for it, and contained() makes a Status of what would be thrown.
  template <class Body>
  static Result<NativeThread> start(const std::string& name, Body body) {
    static_assert(std::is_nothrow_invocable_v<Body&>, "a thread's body must be noexcept");
    const auto thread = create(name, std::move(body));
    if (!thread.ok()) return thread.status();
    return NativeThread(thread.value());
  }

  // One that nobody joins: `body` owns whatever it uses.
  template <class Body>
  static Status start_detached(const std::string& name, Body body) {
    static_assert(std::is_nothrow_invocable_v<Body&>, "a thread's body must be noexcept");
    const auto thread = create(name, std::move(body));
    if (thread.ok()) pthread_detach(thread.value());
    return thread.status();
  }

  NativeThread(NativeThread&& other) noexcept
      : thread_(other.thread_), joinable_(std::exchange(other.joinable_, false)) {}
  NativeThread& operator=(NativeThread&&) = delete;
  ~NativeThread() {
    if (joinable_) pthread_join(thread_, nullptr);
  }

 private:
  explicit NativeThread(pthread_t thread) : thread_(thread), joinable_(true) {}
  static Result<pthread_t> create(const std::string& name, std::function<void()> body);

  pthread_t thread_;
  bool joinable_;
};

}  // namespace pageferry
