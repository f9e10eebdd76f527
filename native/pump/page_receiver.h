// The destination's end of the page channels: one thread per channel receives records and applies them.
//
// Thread contract: add_channel before or while others run; wait_sync, pages_received and close from any
// thread. `on_failure` is called at most once, from a channel's thread; close() joins them all and is
// idempotent, and no call follows it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "net/socket.h"
#include "os/native_thread.h"
#include "os/status.h"
#include "region/arriving_memory.h"

namespace pageferry {

class PageReceiver {
 public:
  using OnFailure = std::function<void(Status)>;

  PageReceiver(std::shared_ptr<ArrivingMemory> arriving, std::uint32_t channels,
               OnFailure on_failure);
  ~PageReceiver();

  // Starts the thread of page channel `number`. kProtocol when it is there already or out of range.
  Status add_channel(std::uint32_t number, Socket socket);
  bool has_all_channels() const;

  // True once every channel has delivered sync `number`.
  bool has_reached(std::uint64_t number) const;
  // Waits until every channel has delivered sync `number`. kTimedOut when no byte came on any channel
  // for `stall`; the first failure when a channel failed before.
  Status wait_sync(std::uint64_t number, std::chrono::milliseconds stall);

  std::uint64_t pages_received() const { return pages_.load(std::memory_order_relaxed); }
  std::uint64_t duplicate_pages() const { return duplicates_.load(std::memory_order_relaxed); }
  std::uint64_t bytes_received() const;

  void close();

 private:
  struct Channel {
    explicit Channel(Socket taken) : socket(std::move(taken)) {}
    Socket socket;
    std::uint64_t sync = 0;
    std::optional<NativeThread> thread;
  };

  void run(Channel& channel);
  Status receive_records(Channel& channel);
  void fail(Status status);
  std::uint64_t bytes_received_locked() const;
  bool has_reached_locked(std::uint64_t number) const;

  const std::shared_ptr<ArrivingMemory> arriving_;
  const OnFailure on_failure_;
  std::mutex closing_;  // held by close() throughout, so that each caller returns after the joins
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Channel>> channels_;
  Status failure_;
  std::uint64_t bytes_of_closed_ = 0;
  bool closed_ = false;
  std::atomic<std::uint64_t> pages_{0};
  std::atomic<std::uint64_t> duplicates_{0};
};

}  // namespace pageferry
