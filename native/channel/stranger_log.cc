#include "channel/stranger_log.h"

#include <utility>

namespace pageferry {

namespace {

constexpr unsigned kMostInASecond = 8;

}  // namespace

bool StrangerLog::may_tell(Clock::time_point now) {
  if (now - second_began_ >= std::chrono::seconds(1)) {
    second_began_ = now;
    told_in_second_ = 0;
  }
  if (told_in_second_ == kMostInASecond) return false;
  ++told_in_second_;
  return true;
}

void StrangerLog::turned_away(std::string peer, std::string reason, Clock::time_point now) {
  const std::uint64_t others = last_.has_value() ? last_->others + 1 : 0;
  Stranger stranger = {std::move(peer), std::move(reason), others};
  if (may_tell(now)) {
    last_.reset();
    tell_(std::move(stranger));
  } else {
    last_ = std::move(stranger);
  }
}

void StrangerLog::tell_rest(Clock::time_point now) {
  if (!last_.has_value() || !may_tell(now)) return;
  Stranger stranger = *std::exchange(last_, std::nullopt);
  tell_(std::move(stranger));
}

}  // namespace pageferry
