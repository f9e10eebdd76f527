#include "workload/page_threads.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include "os/native_thread.h"

namespace pageferry {

namespace {

class ChunkQueue {
 public:
  ChunkQueue(PageRange range, std::uint64_t pages_per_chunk)
      : end_(range.end()), pages_per_chunk_(pages_per_chunk), next_(range.first) {}

  void work(const std::atomic<bool>& cancelled, const std::function<Status(PageRange)>& body) {
    while (!failed_.load(std::memory_order_relaxed)) {
      const PageIndex first = next_.fetch_add(pages_per_chunk_, std::memory_order_relaxed);
      if (first >= end_) return;
      if (cancelled.load(std::memory_order_relaxed)) {
        return fail(Status(StatusCode::kCancelled, "cancelled"));
      }
      Status status = body(PageRange{first, std::min(pages_per_chunk_, end_ - first)});
      if (!status.ok()) return fail(std::move(status));
    }
  }

  // Once every worker is done.
  Status result() const { return result_; }

 private:
  void fail(Status status) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (result_.ok()) result_ = std::move(status);
    failed_.store(true, std::memory_order_relaxed);
  }

  const PageIndex end_;
  const std::uint64_t pages_per_chunk_;
  std::atomic<PageIndex> next_;
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  Status result_;
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
          NativeThread::start("pf-pages", [&] { queue.work(cancelled, body); });
      if (!helper.ok()) break;  // Fewer threads do the same work.
      helpers.push_back(std::move(helper.value()));
    }
    queue.work(cancelled, body);
  }
  return queue.result();
}

}  // namespace pageferry
