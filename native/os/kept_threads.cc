#include "os/kept_threads.h"

#include <deque>
#include <utility>

#include "os/mutex.h"
#include "os/native_thread.h"

namespace pageferry {

namespace {

constexpr std::size_t kMostIdle = 8;

}  // namespace

struct KeptThreads::Shared {
  Mutex mutex;
  Condition changed;
  // Work for idle threads that have not woken yet.
  std::deque<std::function<void()>> given GUARDED_BY(mutex);
  std::size_t idle GUARDED_BY(mutex) = 0;
  bool ended GUARDED_BY(mutex) = false;
};

KeptThreads::KeptThreads() : shared_(std::make_shared<Shared>()) {}

KeptThreads::~KeptThreads() {
  const MutexLock lock(shared_->mutex);
  shared_->ended = true;
  shared_->changed.notify_all();
}

Status KeptThreads::run(std::function<void()> work) {
  {
    const MutexLock lock(shared_->mutex);
    if (shared_->idle > shared_->given.size()) {
      shared_->given.push_back(std::move(work));
      shared_->changed.notify_one();
      return Status();
    }
  }
  // Moved on: the thread must not hold for ever what its first piece of work held.
  return NativeThread::start_detached(
      "pageferry-call", [shared = shared_, work = std::move(work)]() mutable noexcept {
        serve(*shared, std::move(work));
      });
}

void KeptThreads::serve(Shared& shared, std::function<void()> work) {
  while (true) {
    work();
    work = nullptr;  // Lets go of what it holds before this thread waits.
    MutexLock lock(shared.mutex);
    if (shared.idle >= kMostIdle) return;
    ++shared.idle;
    while (shared.given.empty() && !shared.ended) shared.changed.wait(lock);
    --shared.idle;
    if (shared.given.empty()) return;
    work = std::move(shared.given.front());
    shared.given.pop_front();
  }
}

}  // namespace pageferry
