// Strangers are told of, a few a second: ten thousand of them must not keep busy whoever listens.
//
// Thread contract: one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace pageferry {

struct Stranger {
  std::string peer;    // as of Accepted
  std::string reason;  // what was wrong with it
  // So many others were turned away since the last one that was told of.
  std::uint64_t others = 0;
};

class StrangerLog {
 public:
  using Clock = std::chrono::steady_clock;

  explicit StrangerLog(std::function<void(Stranger)> tell) : tell_(std::move(tell)) {}

  // Tells of it now, or later among the others.
  void turned_away(std::string peer, std::string reason, Clock::time_point now);
  // Tells of those that wait for it, once there is room for another line.
  void tell_rest(Clock::time_point now);
  bool has_rest() const { return last_.has_value(); }

 private:
  bool may_tell(Clock::time_point now);

  std::function<void(Stranger)> tell_;
  Clock::time_point second_began_;
  unsigned told_in_second_ = 0;
  std::optional<Stranger> last_;  // of those that were not told of
};

}  // namespace pageferry
