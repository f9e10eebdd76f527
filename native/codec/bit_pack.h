// Numbers of a few bits each in a row of bytes without gaps: the lowest bits of the first byte hold the first number.
//
// Thread contract: any thread.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace pageferry {

static_assert(std::endian::native == std::endian::little, "a word begins with its lowest byte");

// The bytes of `count` numbers.
template <unsigned kBits>
constexpr std::size_t packed_bytes(std::size_t count) {
  return (count * kBits + 7) / 8;
}

// The functions below work on so many numbers at once: they read and write up to 3 numbers behind the last one.
inline constexpr std::size_t kPackedAtOnce = 4;
// And they read and write up to so many bytes behind the last byte.
inline constexpr std::size_t kPackSlack = 8;

// Packs the first `count` of `numbers`, which are below 2^kBits. The 3 numbers behind them must be 0: so the bits of the
// last byte that hold no number are 0.
template <unsigned kBits, class Number>
void pack(const Number* numbers, std::size_t count, std::byte* out) {
  static_assert(kBits % 2 == 0 && kBits <= 16, "four numbers fill whole bytes and fit a word");
  for (std::size_t i = 0; i < count; i += kPackedAtOnce, out += kPackedAtOnce * kBits / 8) {
    std::uint64_t together = 0;
    for (std::size_t k = 0; k < kPackedAtOnce; ++k) {
      together |= std::uint64_t{numbers[i + k]} << (k * kBits);
    }
    std::memcpy(out, &together, sizeof(together));
  }
}

// The reverse of pack(). The 3 numbers behind the first `count` hold anything afterwards.
template <unsigned kBits, class Number>
void unpack(const std::byte* in, std::size_t count, Number* numbers) {
  static_assert(kBits % 2 == 0 && kBits <= 16, "four numbers fill whole bytes and fit a word");
  constexpr std::uint64_t kMask = (std::uint64_t{1} << kBits) - 1;
  for (std::size_t i = 0; i < count; i += kPackedAtOnce, in += kPackedAtOnce * kBits / 8) {
    std::uint64_t together = 0;
    std::memcpy(&together, in, sizeof(together));
    for (std::size_t k = 0; k < kPackedAtOnce; ++k) {
      numbers[i + k] = static_cast<Number>((together >> (k * kBits)) & kMask);
    }
  }
}

// Whether the bits of the last byte that hold no number are 0.
template <unsigned kBits>
bool spare_bits_are_zero(const std::byte* packed, std::size_t count) {
  const std::size_t used = count * kBits % 8;
  return used == 0 || (packed[count * kBits / 8] >> used) == std::byte{0};
}

}  // namespace pageferry
