// Post-copy on the source: answers the destination's requests for single pages.
//
// One thread waits for requests on the fault channel and sends each page at once, past whatever the
// active push has queued on the page channels. The rate limit never holds a demand page back, but the
// push pays for it. It is started while the
// guest runs, because later there may be no thread left; requests come once the source has given the guest up,
// when its memory no longer changes.
//
// Thread contract: counters from any thread; `on_end` is called once, from the server's thread, with the
// reason why it ended (kPeerClosed when the destination closed the channel). close() joins and is
// idempotent; a server that is closed first does not call on_end.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "codec/block_codec.h"
#include "net/stream.h"
#include "net/token_bucket.h"
#include "os/native_thread.h"
#include "os/status.h"
#include "region/guest_memory.h"
#include "region/residual_set.h"
#include "send/trials.h"

namespace pageferry {

class PageServer {
 public:
  using OnEnd = std::function<void(Status)>;

  // Fails when the system has no thread left.
  static Result<std::unique_ptr<PageServer>> start(std::shared_ptr<GuestMemory> memory,
                                                   std::shared_ptr<ResidualSet> residual,
                                                   std::shared_ptr<TokenBucket> bucket,
                                                   StreamPtr fault_channel, OnEnd on_end);
  PageServer(const PageServer&) = delete;
  PageServer& operator=(const PageServer&) = delete;
  ~PageServer();

  // From the next answer on, a page that LZ4 makes smaller by enough is sent so. After pages that it did not, a few are not
  // tried.
  void compress(bool on) { compresses_.store(on, std::memory_order_relaxed); }

  std::uint64_t pages_served() const { return pages_.load(std::memory_order_relaxed); }
  std::uint64_t zero_pages_served() const { return zero_pages_.load(std::memory_order_relaxed); }
  std::uint64_t lz4_pages_served() const { return lz4_pages_.load(std::memory_order_relaxed); }
  std::uint64_t wire_bytes() const { return stream_->bytes_sent(); }

  void close();

 private:
  PageServer(std::shared_ptr<GuestMemory> memory, std::shared_ptr<ResidualSet> residual,
             std::shared_ptr<TokenBucket> bucket, StreamPtr fault_channel, OnEnd on_end);
  void run() noexcept;
  Status serve();
  Status answer(PageIndex page);
  std::optional<std::span<const std::byte>> encoded(std::span<const std::byte> page);

  const std::shared_ptr<GuestMemory> memory_;
  const std::shared_ptr<ResidualSet> residual_;
  const std::shared_ptr<TokenBucket> bucket_;
  const StreamPtr stream_;
  const OnEnd on_end_;
  const std::unique_ptr<BlockEncoder> encoder_ = make_block_encoder(Encoding::kLz4);
  const std::unique_ptr<std::byte[]> encoded_;
  Trials trials_;  // of the server's thread
  std::atomic<bool> closed_{false};
  std::atomic<bool> compresses_{false};
  std::atomic<std::uint64_t> pages_{0};
  std::atomic<std::uint64_t> zero_pages_{0};
  std::atomic<std::uint64_t> lz4_pages_{0};
  std::optional<NativeThread> thread_;
};

}  // namespace pageferry
