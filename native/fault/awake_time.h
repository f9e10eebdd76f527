// When cores are kept awake for a guest that faults: in a burst of faults, for at most a fifth of the time.
//
// In a burst every wake-up of a halted core is time that a guest thread waits (docs/decisions/0022). But an awake core
// that has nothing to do looks busy to the host of a virtual machine and uses up its quota. Once that is gone the host
// lets no core run, for longer than all wake-ups together took. So each stretch has an end, and a rest after it.
//
// Pure: the caller says what time it is. Thread contract: one thread.
#pragma once

#include <chrono>

namespace pageferry {

class AwakeTime {
 public:
  using Clock = std::chrono::steady_clock;

  struct Limits {
    // Faults that are less than this apart belong to one burst.
    Clock::duration burst = std::chrono::microseconds(500);
    Clock::duration longest = std::chrono::milliseconds(200);
  };
  // A stretch is followed by a rest of so many times its length.
  static constexpr int kRest = 4;

  AwakeTime() : AwakeTime(Limits()) {}
  explicit AwakeTime(Limits limits) : limits_(limits) {}

  bool awake() const { return awake_; }

  // A guest thread has faulted.
  void fault(Clock::time_point now) {
    const bool in_burst = faulted_ && now - last_fault_ < limits_.burst;
    faulted_ = true;
    last_fault_ = now;
    if (awake_) {
      if (!in_burst || now - since_ >= limits_.longest) rest(now);
    } else if (in_burst && now >= rested_at_) {
      awake_ = true;
      since_ = now;
    }
  }

  // How long to wait for a fault before calling quiet().
  Clock::duration patience() const { return limits_.burst; }
  // None has come for so long.
  void quiet(Clock::time_point now) {
    if (awake_) rest(now);
  }

 private:
  void rest(Clock::time_point now) {
    awake_ = false;
    rested_at_ = now + kRest * (now - since_);
  }

  const Limits limits_;
  bool awake_ = false;
  bool faulted_ = false;
  Clock::time_point last_fault_{};
  Clock::time_point since_{};
  Clock::time_point rested_at_{};
};

}  // namespace pageferry
