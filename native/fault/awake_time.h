// When cores are kept awake for a guest that faults: in a burst of faults, for at most a tenth of the time.
//
// In a burst every wake-up of a halted core is time that a guest thread waits (docs/decisions/0022). But an awake core
// that has nothing to do looks busy to the host of a virtual machine and uses up its quota. Once that is gone the host
// lets no core run, for longer than all wake-ups together took. So there is an allowance of awake time: it is spent in
// bursts, and grows back by a ninth of the time between.
//
// Pure: the caller says what time it is. Thread contract: one thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

namespace pageferry {

class AwakeTime {
 public:
  using Clock = std::chrono::steady_clock;

  struct Limits {
    // Faults that are less than this apart belong to one burst.
    Clock::duration burst = std::chrono::microseconds(500);
    // Without a fault for so long, a burst is over. Several ticks of the kernel: a timer that is due sooner made
    // every fourth fault slow (docs/decisions/0022).
    Clock::duration quiet = std::chrono::milliseconds(20);
    // The most that can be spent in one burst.
    Clock::duration allowance = std::chrono::milliseconds(50);
  };
  static constexpr int kGrowth = 9;
  // A burst that finds less than this part of the allowance has none: asking the kernel has its price.
  static constexpr int kWorthIt = 4;

  AwakeTime() : AwakeTime(Limits()) {}
  explicit AwakeTime(Limits limits) : limits_(limits), left_(limits.allowance) {}

  bool awake() const { return awake_; }

  // A guest thread has faulted.
  void fault(Clock::time_point now) {
    const bool in_burst = faulted_ && now - last_fault_ < limits_.burst;
    faulted_ = true;
    last_fault_ = now;
    account(now);
    const auto needed = awake_ ? Clock::duration(1) : limits_.allowance / kWorthIt;
    awake_ = in_burst && left_ >= needed;
  }

  // How long to wait for a fault before calling quiet().
  Clock::duration patience() const { return limits_.quiet; }
  // None has come for so long.
  void quiet(Clock::time_point now) {
    account(now);
    awake_ = false;
  }

 private:
  // Time since the last account was spent, or has let the allowance grow.
  void account(Clock::time_point now) {
    const Clock::duration passed = now - std::exchange(accounted_at_, now);
    if (awake_) {
      left_ -= std::min(left_, passed);
    } else {
      left_ = std::min(limits_.allowance, left_ + passed / kGrowth);
    }
  }

  const Limits limits_;
  Clock::duration left_;
  bool awake_ = false;
  bool faulted_ = false;
  Clock::time_point last_fault_{};
  Clock::time_point accounted_at_{};
};

}  // namespace pageferry
