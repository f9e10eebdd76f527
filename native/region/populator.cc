#include "region/populator.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "os/contained.h"

namespace pageferry {

namespace {

// The kernel's call waits for all cores once, which on busy ones takes as long as some 30 MiB do.
constexpr std::uint64_t kChunkPages = 16 * kHugePagePages;
constexpr unsigned kMostThreads = 4;

// Half of the cores: the others receive.
unsigned thread_count() {
  return std::clamp(std::thread::hardware_concurrency() / 2, 1u, kMostThreads);
}

}  // namespace

Populator::Populator(std::shared_ptr<GuestMemory> memory, const std::vector<PageRange>& parts,
                     PageBitmap& populated, OnDone on_done)
    : memory_(std::move(memory)), populated_(populated), on_done_(std::move(on_done)) {
  for (const PageRange part : parts) {
    memory_->for_each_region(part, [this](const Region& region, PageRange in_region) {
      // Private memory that is missing must hold nothing.
      if (region.backing == Backing::kShared) add(region, in_region);
    });
  }
  left_.store(chunks_.size());
  if (chunks_.empty()) {
    finish();
    return;
  }
  const MutexLock lock(threads_mutex_);
  for (unsigned i = 0; i < thread_count(); ++i) {
    auto thread = NativeThread::start("populator", [this]() noexcept { go_ahead(); });
    if (!thread.ok()) break;
    threads_.push_back(std::move(thread.value()));
  }
  // Nobody goes ahead, so nobody may wait for that.
  if (threads_.empty()) finish();
}

void Populator::add(const Region& region, PageRange part) {
  const std::uint64_t into_huge_page = (part.first - region.first_page) % kHugePagePages;
  const std::uint64_t skipped = (kHugePagePages - into_huge_page) % kHugePagePages;
  if (part.count < skipped + kHugePagePages) return;
  PageRange left = {part.first + skipped, (part.count - skipped) / kHugePagePages * kHugePagePages};
  while (left.count > 0) {
    const std::uint64_t count = std::min(left.count, kChunkPages);
    chunks_.push_back(std::make_unique<Chunk>(PageRange{left.first, count}));
    left = {left.first + count, left.count - count};
  }
}

void Populator::go_ahead() noexcept {
  (void)contained([this] {
    for (const auto& chunk : chunks_) {
      if (stopping_.load(std::memory_order_relaxed)) break;
      if (claim(*chunk)) populate(*chunk);
    }
    return Status();
  });
}

bool Populator::claim(Chunk& chunk) {
  State waiting = State::kWaiting;
  return chunk.state.compare_exchange_strong(waiting, State::kUnderWay, std::memory_order_acq_rel);
}

void Populator::populate(Chunk& chunk) {
  if (memory_->populate(chunk.pages).ok()) populated_.set_range(chunk.pages);
  {
    const MutexLock lock(mutex_);
    chunk.state.store(State::kDone, std::memory_order_release);
  }
  chunk_done_.notify_all();
  if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) finish();
}

void Populator::ensure(PageRange run) {
  if (left_.load(std::memory_order_acquire) == 0) return;
  const auto ends = [](const std::unique_ptr<Chunk>& chunk) { return chunk->pages.end(); };
  auto at = std::ranges::upper_bound(chunks_, run.first, {}, ends);
  for (; at != chunks_.end() && (*at)->pages.first < run.end(); ++at) {
    if (claim(**at)) {
      populate(**at);
    } else {
      wait_for(**at);
    }
  }
}

void Populator::wait_for(const Chunk& chunk) {
  if (chunk.state.load(std::memory_order_acquire) == State::kDone) return;
  MutexLock lock(mutex_);
  while (chunk.state.load(std::memory_order_acquire) != State::kDone) chunk_done_.wait(lock);
}

void Populator::finish() {
  if (!finished_.exchange(true, std::memory_order_acq_rel)) on_done_();
}

void Populator::cancel() {
  stopping_.store(true, std::memory_order_relaxed);
  finish();
}

void Populator::stop() {
  cancel();
  const MutexLock lock(threads_mutex_);
  threads_.clear();  // Joins them.
}

}  // namespace pageferry
