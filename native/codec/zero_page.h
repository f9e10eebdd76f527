// Whether a page holds nothing but zeros: such a page is named on the wire and not sent.
//
// Thread contract: any thread.
#pragma once

#include <cstddef>
#include <span>

namespace pageferry {

// True when every byte is zero. Looks at the first bytes first: most pages that are not zero say so at
// once. Reads no byte outside the page; what follows it in memory may be fetched into the caches.
bool is_zero_page(std::span<const std::byte> page);

}  // namespace pageferry
