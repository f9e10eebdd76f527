#include "os/helpers.h"

#include <algorithm>
#include <thread>

namespace pageferry {

unsigned Helpers::beside_caller(unsigned most) {
  return std::clamp(std::thread::hardware_concurrency(), 1u, most) - 1;
}

Helpers::Helpers(unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    auto thread = NativeThread::start("helper", [this] { help(); });
    if (!thread.ok()) return;
    threads_.push_back(std::move(thread.value()));
  }
}

Helpers::~Helpers() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  work_came_.notify_all();
  threads_.clear();  // Joins them.
}

void Helpers::run(std::size_t parts, const std::function<void(std::size_t)>& work) {
  std::unique_lock lock(mutex_);
  if (work_ != nullptr) {
    lock.unlock();
    for (std::size_t i = 0; i < parts; ++i) work(i);
    return;
  }
  work_ = &work;
  next_ = 0;
  parts_ = parts;
  work_came_.notify_all();
  take_parts(lock);
  parts_done_.wait(lock, [this] { return running_ == 0; });
  work_ = nullptr;
}

void Helpers::help() {
  std::unique_lock lock(mutex_);
  for (;;) {
    work_came_.wait(lock, [this] { return closing_ || next_ < parts_; });
    if (closing_) return;
    take_parts(lock);
    if (running_ == 0) parts_done_.notify_one();
  }
}

void Helpers::take_parts(std::unique_lock<std::mutex>& lock) {
  while (next_ < parts_) {
    const std::size_t part = next_++;
    const auto& work = *work_;
    ++running_;
    lock.unlock();
    work(part);
    lock.lock();
    --running_;
  }
}

}  // namespace pageferry
