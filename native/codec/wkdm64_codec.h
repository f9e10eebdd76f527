// A page as 512 words of 64 bits by WKdm (docs/encodings.md, "wkdm64").
//
// Thread contract: any thread.
#pragma once

#include "codec/page_codec.h"

namespace pageferry {

class Wkdm64Codec final : public PageCodec {
 public:
  // Words that differ in no other bits match in part. Of 8 to 40 low bits, 12 and 16 made the memory of four programs
  // smallest (Node, Python, a JVM, Redis: to 0.52 of its size), and 16 are whole bytes.
  static constexpr unsigned kLowBits = 16;

  Encoding encoding() const override { return Encoding::kWkdm64; }
  std::optional<std::size_t> encode(PageBytes page, PageBytes base,
                                    std::span<std::byte> out) const override;
  Status decode(std::span<const std::byte> encoded, PageBytes base,
                MutablePageBytes page) const override;
};

}  // namespace pageferry
