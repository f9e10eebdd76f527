#include "codec/lz4_codec.h"

#include <lz4.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

namespace pageferry {
namespace {

// LZ4 counts bytes in int.
int clamp_to_int(std::size_t bytes) {
  return static_cast<int>(std::min<std::size_t>(bytes, std::numeric_limits<int>::max()));
}

// LZ4 promises nothing about a source that changes under it, so it works on a copy.
const char* stable_copy(std::span<const std::byte> page) {
  thread_local std::vector<std::byte> copy;
  copy.assign(page.begin(), page.end());
  return reinterpret_cast<const char*>(copy.data());
}

}  // namespace

std::optional<std::size_t> Lz4Codec::encode(std::span<const std::byte> page,
                                            std::span<std::byte> out) const {
  // Where there is no room there may be no address either, from which LZ4 would count.
  if (page.size() > LZ4_MAX_INPUT_SIZE || out.empty()) return std::nullopt;
  const int written = LZ4_compress_default(stable_copy(page), reinterpret_cast<char*>(out.data()),
                                           static_cast<int>(page.size()), clamp_to_int(out.size()));
  if (written <= 0) return std::nullopt;
  return static_cast<std::size_t>(written);
}

Status Lz4Codec::decode(std::span<const std::byte> encoded, std::span<std::byte> page) const {
  // Longer than any encoding of such a page: refused before LZ4 sees it, which also keeps both
  // lengths in an int.
  if (page.size() > LZ4_MAX_INPUT_SIZE ||
      encoded.size() > static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(page.size())))) {
    return Status(StatusCode::kProtocol, "an LZ4 page of " + std::to_string(page.size()) +
                                             " bytes cannot take " +
                                             std::to_string(encoded.size()) + " bytes");
  }
  const int decoded = LZ4_decompress_safe(
      reinterpret_cast<const char*>(encoded.data()), reinterpret_cast<char*>(page.data()),
      static_cast<int>(encoded.size()), static_cast<int>(page.size()));
  if (decoded < 0) {
    return Status(StatusCode::kProtocol, "an LZ4 page of " + std::to_string(encoded.size()) +
                                             " bytes is not a valid LZ4 block");
  }
  if (static_cast<std::size_t>(decoded) != page.size()) {
    return Status(StatusCode::kProtocol, "an LZ4 page must decode to " +
                                             std::to_string(page.size()) + " bytes; it gave " +
                                             std::to_string(decoded));
  }
  return Status();
}

std::string_view lz4_version() { return LZ4_versionString(); }

}  // namespace pageferry
