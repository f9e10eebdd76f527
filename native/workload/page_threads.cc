#include "workload/page_threads.h"

#include <algorithm>
#include <vector>

#include "os/contained.h"
#include "os/mutex.h"
#include "os/native_thread.h"

namespace pageferry {

namespace {

class ChunkQueue {
 public:
  ChunkQueue(PageRange range, std::uint64_t pages_per_chunk)
      : end_(range.end()), pages_per_chunk_(pages_per_chunk), next_(range.first) {}

  void work(const std::atomic<bool>& cancelled,
            const std::function<Status(PageRange)>& body) noexcept {
    while (!failed_.load(std::memory_order_relaxed)) {
      const PageIndex first = next_.fetch_add(pages_per_chunk_, std::memory_order_relaxed);
      if (first >= end_) return;
      if (cancelled.load(std::memory_order_relaxed)) {
        return fail(Status(StatusCode::kCancelled, "cancelled"));
      }
      const PageRange chunk = {first, std::min(pages_per_chunk_, end_ - first)};
      Status status = contained([&] { return body(chunk); });
      if (!status.ok()) return fail(std::move(status));
    }
  }

  Status result() {
    const MutexLock lock(mutex_);
    return result_;
  }

 private:
  void fail(Status status) {
    const MutexLock lock(mutex_);
    if (result_.ok()) result_ = std::move(status);
    failed_.store(true, std::memory_order_relaxed);
  }

  const PageIndex end_;
  const std::uint64_t pages_per_chunk_;
  std::atomic<PageIndex> next_;
  std::atomic<bool> failed_{false};
  Mutex mutex_;
  Status result_ GUARDED_BY(mutex_);
};

}  // namespace

Status for_each_chunk(PageRange range, unsigned threads, const std::atomic<bool>& cancelled,
                      const std::function<Status(PageRange)>& body, std::uint64_t pages_per_chunk) {
  ChunkQueue queue(range, pages_per_chunk);
  {
    const std::uint64_t chunks = (range.count + pages_per_chunk - 1) / pages_per_chunk;
    std::vector<NativeThread> helpers;
    while (helpers.size() + 1 < std::min<std::uint64_t>(threads, chunks)) {
      Result<NativeThread> helper =
          NativeThread::start("pf-pages", [&]() noexcept { queue.work(cancelled, body); });
      if (!helper.ok()) break;  // Fewer threads do the same work.
      helpers.push_back(std::move(helper.value()));
    }
    queue.work(cancelled, body);
  }
  return queue.result();
}

}  // namespace pageferry
