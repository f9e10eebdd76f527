// A page of which most words of 64 bits are zero: which are not, and these (docs/encodings.md, "sparse"). After the class of
// mostly zero pages in Jin et al., "Live Virtual Machine Migration with Adaptive Memory Compression", CLUSTER 2009.
//
// Thread contract: any thread.
#pragma once

#include "codec/page_codec.h"

namespace pageferry {

class SparseCodec final : public PageCodec {
 public:
  Encoding encoding() const override { return Encoding::kSparse; }
  std::optional<std::size_t> encode(PageBytes page, PageBytes base,
                                    std::span<std::byte> out) const override;
  Status decode(std::span<const std::byte> encoded, PageBytes base,
                MutablePageBytes page) const override;
};

}  // namespace pageferry
