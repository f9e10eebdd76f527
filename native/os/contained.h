// Where exceptions end. Nothing here throws on purpose, but the standard library does when memory or
// threads run out; and an exception that leaves a thread's body, or reaches Node-API's C callbacks, ends
// the process with every guest in it.
#pragma once

#include <functional>
#include <type_traits>
#include <utility>

#include "os/status.h"

namespace pageferry {

// The exception that is being handled, as a Status: kNoMemory for std::bad_alloc and what is like it.
Status status_of_exception() noexcept;

// What `work` answers, a Status or a Result; what it throws becomes a Status.
template <class Work>
auto contained(Work&& work) noexcept -> std::invoke_result_t<Work&> {
  try {
    return work();
  } catch (...) {
    return status_of_exception();
  }
}

}  // namespace pageferry
