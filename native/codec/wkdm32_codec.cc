#include "codec/wkdm32_codec.h"

#include "codec/wkdm.h"

namespace pageferry {
namespace {

using Coder = wkdm::Coder<std::uint32_t, Wkdm32Codec::kLowBits>;

}  // namespace

std::optional<std::size_t> Wkdm32Codec::encode(PageBytes page, PageBytes /*base*/,
                                               std::span<std::byte> out) const {
  return Coder::encode(page, out);
}

Status Wkdm32Codec::decode(std::span<const std::byte> encoded, PageBytes /*base*/,
                           MutablePageBytes page) const {
  return Coder::decode("wkdm32", encoded, page);
}

}  // namespace pageferry
