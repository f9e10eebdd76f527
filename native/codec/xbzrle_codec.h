// Where a page differs from what it held before, and its bytes there (docs/encodings.md, "xbzrle"): XOR-based zero run
// length encoding, Svärd et al., "Evaluation of Delta Compression Techniques for Efficient Live Migration of Large
// Virtual Machines", VEE 2011, in the format that QEMU's documentation gives it.
//
// Thread contract: any thread.
#pragma once

#include "codec/page_codec.h"

namespace pageferry {

class XbzrleCodec final : public PageCodec {
 public:
  Encoding encoding() const override { return Encoding::kXbzrle; }
  bool needs_base() const override { return true; }
  std::optional<std::size_t> encode(PageBytes page, PageBytes base,
                                    std::span<std::byte> out) const override;
  Status decode(std::span<const std::byte> encoded, PageBytes base,
                MutablePageBytes page) const override;
};

}  // namespace pageferry
