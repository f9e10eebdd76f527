// Work over a run of pages, shared out in chunks to a few threads.
//
// Thread contract: the call blocks until every thread is done. The chunk function runs on several
// threads at once, each time on other pages.
#pragma once

#include <atomic>
#include <functional>

#include "os/status.h"
#include "region/guest_memory.h"

namespace pageferry {

inline constexpr std::uint64_t kPagesPerChunk = 256;

// Calls body(chunk) until the range is used up or a call fails; answers the first failure.
// `cancelled` is looked at before each chunk and ends it with kCancelled. The calling thread is one
// of `threads`.
Status for_each_chunk(PageRange range, unsigned threads, const std::atomic<bool>& cancelled,
                      const std::function<Status(PageRange chunk)>& body,
                      std::uint64_t pages_per_chunk = kPagesPerChunk);

}  // namespace pageferry
