// A page of zeros, in no bytes at all. Thread-safe: stateless.
#pragma once

#include "codec/page_codec.h"

namespace pageferry {

class ZeroCodec final : public PageCodec {
 public:
  PageCodecId id() const override { return PageCodecId::kZero; }
  std::string_view name() const override { return "zero"; }
  std::optional<std::size_t> encode(std::span<const std::byte> page,
                                    std::span<std::byte> out) const override;
  Status decode(std::span<const std::byte> encoded, std::span<std::byte> page) const override;
};

}  // namespace pageferry
