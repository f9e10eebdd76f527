// Guest memory as 8-byte words, for code that runs while the engine reads the same memory.
//
// Thread contract: each word is read or written whole. Order between words is not kept: nobody but
// the one guest thread that owns a page depends on it, and the engine sends a page again when it
// was written while being read.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace pageferry {

static_assert(std::endian::native == std::endian::little,
              "page contents and digests are defined on little-endian words");

inline constexpr std::size_t kWordBytes = 8;

// With private backing the engine reads the same addresses, by memcpy or inside a system call,
// while the guest runs. That race is the design (see GuestMemory), so TSan must not watch these
// two.
[[gnu::no_sanitize_thread]] inline std::uint64_t load_guest_word(const std::byte* at) {
  return __atomic_load_n(reinterpret_cast<const std::uint64_t*>(at), __ATOMIC_RELAXED);
}
[[gnu::no_sanitize_thread]] inline void store_guest_word(std::byte* at, std::uint64_t word) {
  __atomic_store_n(reinterpret_cast<std::uint64_t*>(at), word, __ATOMIC_RELAXED);
}

// A word of a buffer that nobody else uses.
inline std::uint64_t load_word(const std::byte* at) {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}
inline void store_word(std::byte* at, std::uint64_t word) { std::memcpy(at, &word, sizeof word); }

}  // namespace pageferry
