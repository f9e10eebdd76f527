// A page as one LZ4 block (the block format, no frame around it).
//
// Thread-safe: what it needs beside its arguments belongs to the calling thread.
#pragma once

#include "codec/page_codec.h"

namespace pageferry {

class Lz4Codec final : public PageCodec {
 public:
  PageCodecId id() const override { return PageCodecId::kLz4; }
  std::string_view name() const override { return "lz4"; }
  std::optional<std::size_t> encode(std::span<const std::byte> page,
                                    std::span<std::byte> out) const override;
  Status decode(std::span<const std::byte> encoded, std::span<std::byte> page) const override;
};

// The version of the LZ4 library that was linked in: "1.10.0".
std::string_view lz4_version();

}  // namespace pageferry
