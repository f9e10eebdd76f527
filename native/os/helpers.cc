#include "os/helpers.h"

#include <algorithm>
#include <thread>

namespace pageferry {

unsigned Helpers::beside_caller(unsigned most) {
  return std::clamp(std::thread::hardware_concurrency(), 1u, most) - 1;
}

Helpers::Helpers(unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    auto thread = NativeThread::start("helper", [this]() noexcept { help(); });
    if (!thread.ok()) return;
    threads_.push_back(std::move(thread.value()));
  }
}

Helpers::~Helpers() {
  {
    const MutexLock lock(mutex_);
    closing_ = true;
  }
  work_came_.notify_all();
  threads_.clear();  // Joins them.
}

void Helpers::run(std::size_t parts, const std::function<void(std::size_t)>& work) {
  MutexLock lock(mutex_);
  if (work_ != nullptr) {
    lock.unlock();
    for (std::size_t i = 0; i < parts; ++i) work(i);
    return;
  }
  work_ = &work;
  next_ = 0;
  parts_ = parts;
  work_came_.notify_all();
  take_parts();
  while (running_ != 0) parts_done_.wait(lock);
  work_ = nullptr;
}

void Helpers::help() noexcept {
  MutexLock lock(mutex_);
  for (;;) {
    while (!closing_ && next_ >= parts_) work_came_.wait(lock);
    if (closing_) return;
    take_parts();
    if (running_ == 0) parts_done_.notify_one();
  }
}

void Helpers::take_parts() {
  while (next_ < parts_) {
    const std::size_t part = next_++;
    const auto& work = *work_;
    ++running_;
    mutex_.unlock();
    work(part);
    mutex_.lock();
    --running_;
  }
}

}  // namespace pageferry
