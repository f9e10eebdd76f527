#include "send/sender_threads.h"

#include "os/nice.h"

#include <utility>

namespace pageferry {

Result<std::unique_ptr<SenderThreads>> SenderThreads::start(std::size_t threads,
                                                            std::size_t first_nice, int nice) {
  std::unique_ptr<SenderThreads> crew(new SenderThreads());
  for (std::size_t i = 0; i < threads; ++i) {
    const bool gives_way = i >= first_nice;
    auto thread =
        NativeThread::start(gives_way ? "page-encoder" : "page-sender",
                            [self = crew.get(), i, nice = gives_way ? nice : 0]() noexcept {
                              if (nice > 0) be_nice(nice);
                              return i == 0 ? self->lead() : self->follow(i);
                            });
    if (!thread.ok()) return thread.status();
    crew->threads_.push_back(std::move(thread.value()));
  }
  return crew;
}

SenderThreads::~SenderThreads() {
  {
    const MutexLock lock(mutex_);
    ending_ = true;
  }
  work_came_.notify_one();
}

void SenderThreads::begin(std::function<void()> work) {
  {
    const MutexLock lock(mutex_);
    work_.push_back(std::move(work));
  }
  work_came_.notify_one();
}

void SenderThreads::spread(std::size_t shares, const std::function<void(std::size_t)>& share) {
  {
    const MutexLock lock(mutex_);
    share_ = &share;
    ++spread_;
    shares_ = shares;
    shares_running_ = shares - 1;
  }
  share_came_.notify_all();
  share(0);
  MutexLock lock(mutex_);
  while (shares_running_ != 0) shares_done_.wait(lock);
}

// Work that was begun is done even when the end comes first: somebody waits to hear of it.
void SenderThreads::lead() noexcept {
  MutexLock lock(mutex_);
  while (true) {
    while (work_.empty() && !ending_) work_came_.wait(lock);
    if (work_.empty()) break;
    std::function<void()> work = std::move(work_.front());
    work_.pop_front();
    lock.unlock();
    work();
    work = nullptr;  // Lets go of what it holds before this thread waits.
    lock.lock();
  }
  led_to_the_end_ = true;
  share_came_.notify_all();
}

// A thread that has no share may sleep through a spread, and through several. One that has a share is waited for.
void SenderThreads::follow(std::size_t number) noexcept {
  std::uint64_t seen = 0;
  MutexLock lock(mutex_);
  while (true) {
    while (spread_ == seen && !led_to_the_end_) share_came_.wait(lock);
    if (spread_ == seen) return;
    seen = spread_;
    if (number >= shares_) continue;
    const auto& share = *share_;
    lock.unlock();
    share(number);
    lock.lock();
    if (--shares_running_ == 0) shares_done_.notify_one();
  }
}

}  // namespace pageferry
