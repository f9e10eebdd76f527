// When a guest thread is to mark: so often that a gap means the same for every guest, however much or little
// an operation is.
//
// The thread reads the clock after each operation: were it to read it after every so many, an operation that
// took long could not be told from many that took less. Marks that are closer than the interval would say no
// more and cost more.
//
// Thread contract: owned by one guest thread. Times are given, never read.
#pragma once

#include <cstdint>

namespace pageferry {

// While a guest thread's operations take less and it does not wait for its pacer, no two of its marks are
// further apart.
inline constexpr std::int64_t kMarkIntervalNs = 100'000;

class MarkTimer {
 public:
  // True for the first operation, and when the interval has passed since this last said so: then mark.
  bool due(std::int64_t now_ns) {
    if (now_ns < next_ns_) return false;
    next_ns_ = now_ns + kMarkIntervalNs;
    return true;
  }

 private:
  std::int64_t next_ns_ = 0;
};

}  // namespace pageferry
