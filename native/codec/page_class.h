// What kind of page this is, for a choice of codec by content: the three classes of MECOM, Jin et al., "Live Virtual Machine
// Migration with Adaptive Memory Compression", CLUSTER 2009, section 3.
//
// Thread contract: any thread.
#pragma once

#include "codec/page_codec.h"

namespace pageferry {

// Of the 512 words of 64 bits of a page. A page of both classes is sparse.
enum class PageClass {
  kSparse,   // At least kSparseZeroWords are zero: for the sparse codec.
  kSimilar,  // WKdm would not send at least kSimilarWords whole, because they are zero or in its dictionary: for wkdm64.
  kOther,    // For a codec that looks for longer repetitions, such as LZ4.
};

// Four fifths and three fifths of a page, rounded up. The paper names the classes, and not where one ends: these limits
// are ours.
inline constexpr std::size_t kSparseZeroWords = 410;
inline constexpr std::size_t kSimilarWords = 308;

// Looks at no more of the page than it needs to know its class.
PageClass classify_page(PageBytes page);

}  // namespace pageferry
