// What does not shrink is tried less and less: after one that did not the next is not tried, after two in a row three are
// not, and after more seven (docs/compression.md, "What does not shrink").
//
// Thread contract: one thread.
#pragma once

#include <algorithm>

namespace pageferry {

class Trials {
 public:
  // Whether the next one is to be tried. How that went is said with shrank() or did_not_shrink().
  bool is_due() {
    if (untried_ == 0) return true;
    --untried_;
    return false;
  }
  void shrank() { next_untried_ = 1; }
  void did_not_shrink() {
    untried_ = next_untried_;
    next_untried_ = std::min(2 * next_untried_ + 1, kMostUntried);
  }

 private:
  static constexpr unsigned kMostUntried = 7;

  unsigned untried_ = 0;       // to come
  unsigned next_untried_ = 1;  // after the next one that does not shrink
};

}  // namespace pageferry
