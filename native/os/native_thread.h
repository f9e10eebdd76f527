// A thread that is joined when its owner goes away. Unlike std::thread it answers a Status when the
// system has no thread left.
//
// Thread contract: start, move and destroy on one thread at a time. The body must end by itself, or
// be told to by its owner before the destructor runs.
#pragma once

#include <pthread.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "os/status.h"

namespace pageferry {

class NativeThread {
 public:
  // `name` shows in ps and gdb; at most 15 characters of it.
  static Result<NativeThread> start(const std::string& name, std::function<void()> body);

  // One that nobody joins: `body` owns whatever it uses.
  static Status start_detached(const std::string& name, std::function<void()> body);

  NativeThread(NativeThread&& other) noexcept
      : thread_(other.thread_), joinable_(std::exchange(other.joinable_, false)) {}
  NativeThread& operator=(NativeThread&&) = delete;
  ~NativeThread() {
    if (joinable_) pthread_join(thread_, nullptr);
  }

 private:
  explicit NativeThread(pthread_t thread) : thread_(thread), joinable_(true) {}

  pthread_t thread_;
  bool joinable_;
};

}  // namespace pageferry
