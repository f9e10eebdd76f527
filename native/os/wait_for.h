// Waiting for a descriptor.
#pragma once

#include <chrono>

#include "os/status.h"

namespace pageferry {

using Deadline = std::chrono::steady_clock::time_point;

// Returns once the descriptor has input, or an error that the next call on it will report. kTimedOut
// when that takes longer than until `deadline`; `what` names the call that waits.
Status wait_for_input(int fd, const char* what, Deadline deadline);
// The same for room to write, and for a connection that is being made.
Status wait_for_room(int fd, const char* what, Deadline deadline);

}  // namespace pageferry
