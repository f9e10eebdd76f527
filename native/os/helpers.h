// Threads that stand by to share work that must be over soon: a scan of all memory while the guest is
// paused, or the populating of it before it comes. Waking one takes less than starting one. Nobody
// waits for a helper that gets no processor: the work is cut into parts, and whoever is free takes the
// next.
//
// Thread contract: run() from any thread. Of calls that overlap only one is helped.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "os/mutex.h"
#include "os/native_thread.h"

namespace pageferry {

class Helpers {
 public:
  // How many make `most` threads with the caller's own, or as many as there are cores if that is less.
  static unsigned beside_caller(unsigned most);

  // Starts up to `count` threads: fewer when the system has none left.
  explicit Helpers(unsigned count);
  Helpers(const Helpers&) = delete;
  Helpers& operator=(const Helpers&) = delete;
  ~Helpers();

  // Calls work(0) to work(parts - 1), each once, on this thread and on helpers. On return all are done.
  // The work throws nothing.
  void run(std::size_t parts, const std::function<void(std::size_t)>& work) EXCLUDES(mutex_);

 private:
  void help() noexcept EXCLUDES(mutex_);
  void take_parts() REQUIRES(mutex_);

  Mutex mutex_;
  Condition work_came_;
  Condition parts_done_;
  const std::function<void(std::size_t)>* work_ GUARDED_BY(mutex_) = nullptr;
  std::size_t next_ GUARDED_BY(mutex_) = 0;
  std::size_t parts_ GUARDED_BY(mutex_) = 0;
  std::size_t running_ GUARDED_BY(mutex_) = 0;
  bool closing_ GUARDED_BY(mutex_) = false;
  std::vector<NativeThread> threads_;
};

}  // namespace pageferry
