// How many channels the active push may use: some while guest threads ask for pages, all once none has
// asked for a while.
//
// A guest that waits for pages needs a core for its fault handler and one for itself; one that has what it
// works on does not, and then whatever else copies ends the migration sooner.
//
// Thread contract: observe and end from the push's first thread; the rest from any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace pageferry {

class PushWidth {
 public:
  using Clock = std::chrono::steady_clock;
  // Several of the scheduler's time slices: a guest that merely had no core for so long would have asked.
  static constexpr auto kQuiet = std::chrono::milliseconds(20);

  explicit PushWidth(Clock::time_point now = Clock::now()) : asked_at_(now) {}

  // So many pages have been demanded by now.
  void observe(std::uint64_t demands, Clock::time_point now) {
    if (demands != demands_) {
      demands_ = demands;
      asked_at_ = now;
    }
    become(now - asked_at_ >= kQuiet ? Width::kAll : Width::kSome);
  }
  // The push is over, well or not.
  void end() { become(Width::kNone); }

  // Waits until every channel may push; false when the push is over.
  bool wait_for_all() const {
    width_.wait(Width::kSome, std::memory_order_acquire);
    return width_.load(std::memory_order_acquire) == Width::kAll;
  }

 private:
  enum class Width : std::uint8_t { kSome, kAll, kNone };

  void become(Width width) {
    if (width_.exchange(width, std::memory_order_acq_rel) != width) width_.notify_all();
  }

  std::atomic<Width> width_{Width::kSome};
  std::uint64_t demands_ = 0;
  Clock::time_point asked_at_;
};

}  // namespace pageferry
