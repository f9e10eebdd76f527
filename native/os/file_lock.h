// Keeps two processes from changing the same files at the same time.
#pragma once

#include "os/status.h"

namespace pageferry {

// Takes the lock of an open file, until all descriptors of that opening are closed; the end of the process closes them,
// however it ends. False, at once, while another opening of the file holds it. For any thread.
Result<bool> try_lock_file(int descriptor);

}  // namespace pageferry
