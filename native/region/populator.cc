#include "region/populator.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "os/contained.h"
#include "os/populate.h"

namespace pageferry {

namespace {

constexpr std::uint64_t kHugePagePages = kHugePageBytes / kPageBytes;
// A thread takes so many huge pages at a time: a call has a cost of its own, and whoever comes to a huge page
// that is being populated waits for all of the call.
constexpr std::uint64_t kPagesAtATime = 4 * kHugePagePages;
constexpr unsigned kMostThreads = 4;

// Half of the cores: the others receive.
unsigned thread_count() {
  return std::clamp(std::thread::hardware_concurrency() / 2, 1u, kMostThreads);
}

}  // namespace

Populator::Populator(std::shared_ptr<GuestMemory> memory, const std::vector<PageRange>& parts,
                     PageBitmap& populated, OnDone on_done)
    : memory_(std::move(memory)),
      populated_(populated),
      unclaimed_(memory_->page_count()),
      pending_(memory_->page_count()),
      on_done_(std::move(on_done)) {
  for (const PageRange part : parts) {
    memory_->for_each_region(part, [this](const Region& region, PageRange in_region) {
      // Private memory that is missing must hold nothing.
      if (region.backing == Backing::kShared) add(region, in_region);
    });
  }
  if (left_.load() == 0) {
    finish();
    return;
  }
  const MutexLock lock(threads_mutex_);
  for (unsigned i = 0; i < thread_count(); ++i) {
    auto thread = NativeThread::start("populator", [this]() noexcept { go_ahead(); });
    if (!thread.ok()) break;
    threads_.push_back(std::move(thread.value()));
  }
}

void Populator::add(const Region& region, PageRange part) {
  const std::uint64_t into_huge_page = (part.first - region.first_page) % kHugePagePages;
  const std::uint64_t skipped = (kHugePagePages - into_huge_page) % kHugePagePages;
  for (PageIndex at = part.first + skipped; at + kHugePagePages <= part.end();
       at += kHugePagePages) {
    if (!pending_.claim(at)) continue;
    unclaimed_.set(at);
    left_.fetch_add(1, std::memory_order_relaxed);
  }
}

void Populator::go_ahead() noexcept {
  (void)contained([this] {
    const PageIndex end = memory_->page_count();
    PageIndex at = 0;
    while (!stopping_.load(std::memory_order_relaxed)) {
      at = unclaimed_.next_set(at, end);
      if (at >= end) break;
      PageRange claimed = {at, 0};
      while (claimed.count < kPagesAtATime && claimed.end() < end &&
             unclaimed_.take(claimed.end())) {
        claimed.count += kHugePagePages;
      }
      populate(claimed);
      at += std::max(claimed.count, kHugePagePages);
    }
    return Status();
  });
}

// Whole huge pages that this thread has claimed.
void Populator::populate(PageRange pages) {
  if (pages.count == 0) return;
  memory_->for_each_region(pages, [this](const Region&, PageRange part) {
    if (memory_->populate(part).ok()) populated_.set_range(part);
  });
  {
    const MutexLock lock(mutex_);
    pending_.clear_range(pages);
  }
  came_.notify_all();
  const std::uint64_t count = pages.count / kHugePagePages;
  if (left_.fetch_sub(count, std::memory_order_acq_rel) == count) finish();
}

void Populator::ensure(PageRange run) {
  if (left_.load(std::memory_order_acquire) == 0) return;
  const Region& region = memory_->region_of(run.first);
  const std::uint64_t skipped = (run.first - region.first_page) % kHugePagePages;
  for (PageIndex at = run.first - skipped; at < run.end(); at += kHugePagePages) {
    if (unclaimed_.take(at)) {
      populate({at, kHugePagePages});
    } else if (pending_.test(at)) {
      wait_for(at);
    }
  }
}

void Populator::wait_for(PageIndex huge_page) {
  MutexLock lock(mutex_);
  while (pending_.test(huge_page)) came_.wait(lock);
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
