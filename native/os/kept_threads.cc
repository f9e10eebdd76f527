#include "os/kept_threads.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "os/native_thread.h"

namespace pageferry {

namespace {

constexpr std::size_t kMostIdle = 8;

}  // namespace

struct KeptThreads::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> given;  // to idle threads that have not woken yet
  std::size_t idle = 0;
  bool ended = false;
};

KeptThreads::KeptThreads() : shared_(std::make_shared<Shared>()) {}

KeptThreads::~KeptThreads() {
  const std::lock_guard lock(shared_->mutex);
  shared_->ended = true;
  shared_->changed.notify_all();
}

Status KeptThreads::run(std::function<void()> work) {
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->idle > shared_->given.size()) {
      shared_->given.push_back(std::move(work));
      shared_->changed.notify_one();
      return Status();
    }
  }
  // Moved on: the thread must not hold for ever what its first piece of work held.
  return NativeThread::start_detached(
      "pageferry-call",
      [shared = shared_, work = std::move(work)]() mutable { serve(*shared, std::move(work)); });
}

void KeptThreads::serve(Shared& shared, std::function<void()> work) {
  while (true) {
    work();
    work = nullptr;  // Lets go of what it holds before this thread waits.
    std::unique_lock lock(shared.mutex);
    if (shared.idle >= kMostIdle) return;
    ++shared.idle;
    shared.changed.wait(lock, [&] { return !shared.given.empty() || shared.ended; });
    --shared.idle;
    if (shared.given.empty()) return;
    work = std::move(shared.given.front());
    shared.given.pop_front();
  }
}

}  // namespace pageferry
