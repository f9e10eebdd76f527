// How much of a page has changed since it was sent, for a choice of delta.
//
// Thread contract: any thread. Somebody may be writing the page: the answer is then that of some moment.
#pragma once

#include "codec/page_codec.h"

namespace pageferry {

// Of the 512 words of 64 bits of a page. XBZRLE names so few changes in at most 352 bytes, at a fraction of the cost of
// zstd (docs/decisions/0038-deltas-by-change.md).
inline constexpr std::size_t kFewChangedWords = 32;

// At most kFewChangedWords differ. Looks at no more of the page than it needs to know that.
bool has_changed_little(PageBytes page, PageBytes base);

}  // namespace pageferry
