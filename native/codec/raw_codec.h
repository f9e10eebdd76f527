// A page as it is. Thread-safe: stateless.
#pragma once

#include "codec/page_codec.h"

namespace pageferry {

class RawCodec final : public PageCodec {
 public:
  PageCodecId id() const override { return PageCodecId::kRaw; }
  std::string_view name() const override { return "raw"; }
  std::optional<std::size_t> encode(std::span<const std::byte> page,
                                    std::span<std::byte> out) const override;
  Status decode(std::span<const std::byte> encoded, std::span<std::byte> page) const override;
};

}  // namespace pageferry
