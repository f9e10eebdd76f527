#include "codec/zero_codec.h"

#include <algorithm>
#include <string>

#include "codec/zero_page.h"

namespace pageferry {

std::optional<std::size_t> ZeroCodec::encode(std::span<const std::byte> page,
                                             std::span<std::byte> /*out*/) const {
  if (!is_zero_page(page)) return std::nullopt;
  return 0;
}

Status ZeroCodec::decode(std::span<const std::byte> encoded, std::span<std::byte> page) const {
  if (!encoded.empty()) {
    return Status(StatusCode::kProtocol,
                  "a zero page must have no bytes; " + std::to_string(encoded.size()) + " came");
  }
  std::ranges::fill(page, std::byte{0});
  return Status();
}

}  // namespace pageferry
