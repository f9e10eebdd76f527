// The longest time between two marks of a guest thread: what the guest itself felt.
//
// GapWatch is the guest's: when the watch began, and how long the guest was away between two hosts.
// GapRecorder is one thread's: its last mark and its longest gap of this watch.
//
// Times are signed nanoseconds of CLOCK_MONOTONIC, because a mark made on another host may lie
// before this one's clock began.
//
// Thread contract: mark() is the guest thread's. GapWatch::begin and GapRecorder::start, save and
// load are the controlling thread's; save and load need a parked guest thread. The others: any
// thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace pageferry {

class GapWatch {
 public:
  // Forgets what was seen before.
  void begin(std::int64_t now_ns);
  // Goes on with a watch that began on another host.
  void continue_from_afar();
  void set_away(std::uint64_t nanoseconds) { away_ns_.store(nanoseconds); }

  bool active() const { return epoch() != 0; }
  // Number of this watch; 0 before the first. Read before start_ns().
  std::uint16_t epoch() const { return epoch_.load(std::memory_order_acquire); }
  std::int64_t start_ns() const { return start_ns_.load(std::memory_order_acquire); }
  // What belongs to the first gap of each thread: 0 once a new watch has begun here.
  std::uint64_t away_ns() const { return away_ns_.load(std::memory_order_acquire); }

 private:
  void advance(std::int64_t start_ns);

  std::atomic<std::uint16_t> epoch_{0};
  std::atomic<std::int64_t> start_ns_{0};
  std::atomic<std::uint64_t> away_ns_{0};
};

class GapRecorder {
 public:
  // What travels with the guest.
  struct Saved {
    std::uint64_t since_mark_ns;  // from the last mark, or the watch's start, to the pause
    std::uint64_t longest_ns;     // of the gaps that have ended
  };
  // The longest gaps of a guest that arrived: those that ended on the source, the one across the
  // switchover, and those that began here. Each may still be under way.
  struct AroundArrival {
    std::uint64_t before_ns;
    std::uint64_t across_ns;
    std::uint64_t after_ns;
  };
  static constexpr std::uint64_t kLongestGapNs = (std::uint64_t{1} << 48) - 1;  // 78 hours

  explicit GapRecorder(const GapWatch& watch) : watch_(watch) {}

  // The guest runs for the first time in this process.
  void start(std::int64_t now_ns);
  void mark(std::int64_t now_ns);
  // Of gaps that ended and the one under way.
  std::uint64_t longest_ns(std::int64_t now_ns) const;

  // After load() and as long as its watch goes on.
  AroundArrival around_arrival(std::int64_t now_ns) const;

  Saved save(std::int64_t paused_ns) const;
  // Before start(), with a watch that continues from afar.
  void load(const Saved& saved);
  // A new watch begins before start().
  void forget() { before_start_ns_.store(0); }

 private:
  std::uint64_t longest_ended_ns() const;
  std::uint64_t under_way_ns(std::int64_t now_ns) const;

  static constexpr std::uint64_t kNone = ~std::uint64_t{0};

  const GapWatch& watch_;
  std::atomic<std::int64_t> last_mark_ns_{0};
  // The watch's number and its longest gap in one word, so that a gap of an older watch never
  // passes for one of the current watch: epoch << 48 | nanoseconds.
  std::atomic<std::uint64_t> longest_{0};
  std::atomic<std::uint64_t> first_gap_ns_{kNone};   // the first to end here
  std::atomic<std::uint64_t> later_gap_ns_{0};       // the longest that ended here after the first
  std::atomic<std::uint64_t> before_arrival_ns_{0};  // longest_ns of the arriving guest
  std::atomic<std::uint64_t> before_start_ns_{0};    // since_mark_ns of the arriving guest
  std::atomic<bool> started_{false};
};

}  // namespace pageferry
