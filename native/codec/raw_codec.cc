#include "codec/raw_codec.h"

#include <cstring>
#include <string>

namespace pageferry {

std::optional<std::size_t> RawCodec::encode(std::span<const std::byte> page,
                                            std::span<std::byte> out) const {
  if (page.size() > out.size()) return std::nullopt;
  std::memcpy(out.data(), page.data(), page.size());
  return page.size();
}

Status RawCodec::decode(std::span<const std::byte> encoded, std::span<std::byte> page) const {
  if (encoded.size() != page.size()) {
    return Status(StatusCode::kProtocol, "a raw page must be " + std::to_string(page.size()) +
                                             " bytes; " + std::to_string(encoded.size()) + " came");
  }
  std::memcpy(page.data(), encoded.data(), encoded.size());
  return Status();
}

}  // namespace pageferry
