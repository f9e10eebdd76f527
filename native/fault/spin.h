// Bounded busy waiting before a thread sleeps: two context switches on a small machine cost more than
// the answer to a demand fault.
#pragma once

#include <chrono>

namespace pageferry {

// Calls ready() until it is true (returns true) or the time is over (returns false). ready() is a
// system call that does not block.
template <class Ready>
bool spin_until(std::chrono::microseconds limit, Ready&& ready) {
  const auto end = std::chrono::steady_clock::now() + limit;
  do {
    if (ready()) return true;
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

}  // namespace pageferry
