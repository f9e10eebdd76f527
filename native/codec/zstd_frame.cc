#include "codec/zstd_frame.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>

namespace pageferry {
namespace {

// RFC 8878, 3.1.1. The sizes are those without the magic number.
constexpr std::size_t kHeaderBytes = 2;
constexpr std::size_t kBlockHeaderBytes = 3;
constexpr std::size_t kMostContentOfBlock = std::size_t{128} << 10;
constexpr int kLeastWindowLog = 10;

enum BlockType : std::uint32_t { kRaw = 0, kRle = 1, kCompressed = 2, kReserved = 3 };

struct BlockHeader {
  bool last;
  BlockType type;
  std::size_t size;
};

BlockHeader block_header(std::span<const std::byte> at) {
  const std::uint32_t bits = std::to_integer<std::uint32_t>(at[0]) |
                             std::to_integer<std::uint32_t>(at[1]) << 8 |
                             std::to_integer<std::uint32_t>(at[2]) << 16;
  return {(bits & 1) != 0, static_cast<BlockType>(bits >> 1 & 3), bits >> 3};
}

Status violation(const std::string& what) {
  return Status(StatusCode::kProtocol, "a zstd frame " + what);
}

}  // namespace

int zstd_window_log(std::size_t bytes) {
  return std::max(kLeastWindowLog, static_cast<int>(std::bit_width(bytes - 1)));
}

Status check_zstd_frame(std::span<const std::byte> encoded, std::size_t window_bytes) {
  const int window_log = zstd_window_log(window_bytes);
  const auto descriptor = static_cast<std::byte>((window_log - kLeastWindowLog) << 3);
  if (encoded.size() < kHeaderBytes || encoded[0] != std::byte{0} || encoded[1] != descriptor) {
    return violation("has another header than that of its block");
  }
  const auto most = std::min(kMostContentOfBlock, std::size_t{1} << window_log);
  encoded = encoded.subspan(kHeaderBytes);
  while (true) {
    if (encoded.size() < kBlockHeaderBytes) return violation("ends before its last block");
    const BlockHeader header = block_header(encoded);
    encoded = encoded.subspan(kBlockHeaderBytes);
    if (header.type == kReserved) return violation("has a block of a reserved type");
    if (header.size > most) {
      return violation("has a block of " + std::to_string(header.size) + " bytes");
    }
    const std::size_t stored = header.type == kRle ? 1 : header.size;
    if (encoded.size() < stored) return violation("ends within a block");
    encoded = encoded.subspan(stored);
    if (header.last) return encoded.empty() ? Status() : violation("goes on behind its last block");
  }
}

}  // namespace pageferry
