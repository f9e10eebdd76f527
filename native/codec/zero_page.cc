#include "codec/zero_page.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace pageferry {
namespace {

// Sixteen bytes, which every 64-bit processor reads at once.
using Lane [[gnu::vector_size(16)]] = std::uint64_t;

constexpr std::size_t kLine = 64;
constexpr std::size_t kLanesPerLine = kLine / sizeof(Lane);
constexpr std::size_t kHead = 8;
// After so many bytes a page that is not zero is told from one that is.
constexpr std::size_t kBlock = 512;
// A processor fetches ahead by itself, but not into the next page. Measured: 11.5 GB/s on one
// core without, 14.5 with any distance of 2 to 6 KiB.
constexpr std::size_t kPrefetchAhead = 3072;

bool is_zero_bytes(std::span<const std::byte> bytes) {
  return std::ranges::all_of(bytes, [](std::byte value) { return value == std::byte{0}; });
}

// From any address.
Lane load(const std::byte* from) {
  Lane lane;
  std::memcpy(&lane, from, sizeof(lane));
  return lane;
}

bool is_zero_block(const std::byte* block) {
  std::array<Lane, kLanesPerLine> found = {};
  for (std::size_t at = 0; at < kBlock; at += kLine) {
    __builtin_prefetch(block + at + kPrefetchAhead);
    // Accumulators of their own, so that no lane waits for the one before it.
    for (std::size_t i = 0; i < kLanesPerLine; ++i) found[i] |= load(block + at + i * sizeof(Lane));
  }
  const Lane any = (found[0] | found[1]) | (found[2] | found[3]);
  return (any[0] | any[1]) == 0;
}

}  // namespace

bool is_zero_page(std::span<const std::byte> page) {
  if (!is_zero_bytes(page.first(std::min(kHead, page.size())))) return false;
  std::size_t at = 0;
  for (; at + kBlock <= page.size(); at += kBlock) {
    if (!is_zero_block(page.data() + at)) return false;
  }
  return is_zero_bytes(page.subspan(at));
}

}  // namespace pageferry
