#include "codec/raw_codec.h"

#include <algorithm>
#include <string>

namespace pageferry {

std::optional<std::size_t> RawCodec::encode(std::span<const std::byte> page,
                                            std::span<std::byte> out) const {
  if (page.size() > out.size()) return std::nullopt;
  std::ranges::copy(page, out.begin());
  return page.size();
}

Status RawCodec::decode(std::span<const std::byte> encoded, std::span<std::byte> page) const {
  if (encoded.size() != page.size()) {
    return Status(StatusCode::kProtocol, "a raw page must be " + std::to_string(page.size()) +
                                             " bytes; " + std::to_string(encoded.size()) + " came");
  }
  std::ranges::copy(encoded, page.begin());
  return Status();
}

}  // namespace pageferry
