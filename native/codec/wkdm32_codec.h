// A page as 1024 words of 32 bits by WKdm (docs/encodings.md, "wkdm32").
//
// Thread contract: any thread.
#pragma once

#include "codec/page_codec.h"

namespace pageferry {

class Wkdm32Codec final : public PageCodec {
 public:
  // Words that differ in no other bits match in part. As many as in Kaplan's WKdm.
  static constexpr unsigned kLowBits = 10;

  Encoding encoding() const override { return Encoding::kWkdm32; }
  std::optional<std::size_t> encode(PageBytes page, PageBytes base,
                                    std::span<std::byte> out) const override;
  Status decode(std::span<const std::byte> encoded, PageBytes base,
                MutablePageBytes page) const override;
};

}  // namespace pageferry
