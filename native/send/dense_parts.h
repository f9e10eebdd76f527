// Which parts of a guest are worth populating on the other side before they are sent?
//
// Thread contract: call from any thread.
#pragma once

#include <cstddef>
#include <vector>

#include "os/status.h"
#include "region/guest_memory.h"

namespace pageferry {

// Runs of at least 8 MiB in huge pages in which every small page holds something, and in most of which that is
// not zeros as far as a sample shows: zeros are not written there, so populating for them would take memory for
// nothing. Ascending; the `most` longest where there are more. While the guest runs this is how things were.
Result<std::vector<PageRange>> find_dense_parts(const GuestMemory& memory, std::size_t most);

}  // namespace pageferry
