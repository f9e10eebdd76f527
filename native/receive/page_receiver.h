// The destination's end of the page channels: one thread per channel receives records and applies them.
//
// Thread contract: add_channel before or while others run; everything else from any thread.
// `on_failure` is called at most once, from a channel's thread; close() joins them all and is
// idempotent, and no call follows it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "net/stream.h"
#include "os/mutex.h"
#include "os/native_thread.h"
#include "os/status.h"
#include "region/arriving_memory.h"
#include "wire/contents.h"

namespace pageferry {

class PageReceiver {
 public:
  using OnFailure = std::function<void(Status)>;
  using OnReached = std::function<void(Status)>;

  PageReceiver(std::shared_ptr<ArrivingMemory> arriving, std::uint32_t channels,
               const wire::ContentSet& accepted, OnFailure on_failure);
  ~PageReceiver();

  // Starts the thread of page channel `number`. kProtocol when it is there already or out of range.
  Status add_channel(std::uint32_t number, StreamPtr stream);

  // True once every channel has delivered sync `number`.
  bool has_reached(std::uint64_t number) const;
  // Calls `on_reached` once: when every channel has delivered sync `number`, or with the first failure, or
  // with kCancelled when the receiver is closed before. At once on this thread, or later on the one that
  // brings it about, which then waits for nobody: a thread of one's own to wait in would be one more to
  // wake while the guest is paused.
  void when_reached(std::uint64_t number, OnReached on_reached);

  std::uint64_t pages_received() const { return pages_.load(std::memory_order_relaxed); }
  std::uint64_t duplicate_pages() const { return duplicates_.load(std::memory_order_relaxed); }
  std::uint64_t bytes_received() const;

  void close();

 private:
  struct Channel {
    explicit Channel(StreamPtr taken) : stream(std::move(taken)) {}
    const StreamPtr stream;
    std::uint64_t sync = 0;  // guarded by the receiver's mutex
    std::optional<NativeThread> thread;
  };

  void run(Channel& channel) noexcept;
  Status receive_records(Channel& channel);
  Status advance(Channel& channel, std::uint64_t sync);
  void fail(Status status);
  void tell_waiters();
  std::optional<Status> outcome_locked(std::uint64_t number) const REQUIRES(mutex_);
  std::uint64_t bytes_received_locked() const REQUIRES(mutex_);
  bool has_reached_locked(std::uint64_t number) const REQUIRES(mutex_);

  struct Waiter {
    std::uint64_t sync;
    OnReached tell;
  };

  const std::shared_ptr<ArrivingMemory> arriving_;
  const wire::ContentSet accepted_;
  const OnFailure on_failure_;
  Mutex closing_;  // held by close() throughout, so that each caller returns after the joins
  mutable Mutex mutex_;
  std::vector<Waiter> waiters_ GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Channel>> channels_ GUARDED_BY(mutex_);
  Status failure_ GUARDED_BY(mutex_);
  std::uint64_t bytes_of_closed_ GUARDED_BY(mutex_) = 0;
  bool closed_ GUARDED_BY(mutex_) = false;
  std::atomic<std::uint64_t> pages_{0};
  std::atomic<std::uint64_t> duplicates_{0};
};

}  // namespace pageferry
