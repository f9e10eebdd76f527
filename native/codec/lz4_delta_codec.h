// A page as one LZ4 block whose dictionary is what the page held before. docs/encodings.md, "lz4-delta".
//
// Thread contract: that of page codecs.
#pragma once

#include "codec/page_codec.h"

namespace pageferry {

class Lz4DeltaCodec final : public PageCodec {
 public:
  Encoding encoding() const override { return Encoding::kLz4Delta; }
  bool needs_base() const override { return true; }
  std::optional<std::size_t> encode(PageBytes page, PageBytes base,
                                    std::span<std::byte> out) const override;
  Status decode(std::span<const std::byte> encoded, PageBytes base,
                MutablePageBytes page) const override;
};

}  // namespace pageferry
