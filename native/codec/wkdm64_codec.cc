#include "codec/wkdm64_codec.h"

#include "codec/wkdm.h"

namespace pageferry {
namespace {

using Coder = wkdm::Coder<std::uint64_t, Wkdm64Codec::kLowBits>;

}  // namespace

std::optional<std::size_t> Wkdm64Codec::encode(PageBytes page, PageBytes /*base*/,
                                               std::span<std::byte> out) const {
  return Coder::encode(page, out);
}

Status Wkdm64Codec::decode(std::span<const std::byte> encoded, PageBytes /*base*/,
                           MutablePageBytes page) const {
  return Coder::decode("wkdm64", encoded, page);
}

}  // namespace pageferry
