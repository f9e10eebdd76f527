// The ways to make pages smaller, and their numbers on the wire.
//
// Thread contract: any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pageferry {

// docs/protocol.md, section 2.1, lists the numbers, and docs/encodings.md says what the bytes are. Never reuse a number.
enum class Encoding : std::uint8_t {
  kLz4 = 2,
  kZstd = 3,
  kWkdm64 = 4,
  kWkdm32 = 5,
  kSparse = 6,
  kZstdDelta = 7,
  kLz4Delta = 8,
  kXbzrle = 9,
};

// Of every page that a codec sees.
inline constexpr std::size_t kCodecPageBytes = 4096;
// Members of a block.
inline constexpr std::size_t kMostBlockPages = 64;
inline constexpr std::size_t kMostBlockBytes = kMostBlockPages * kCodecPageBytes;

}  // namespace pageferry
