// Asks for memory before it is read.
//
// Thread contract: any thread.
#pragma once

#include <cstddef>

namespace pageferry {

// The beginning of a page, after which a processor reads ahead by itself. It may be written meanwhile.
inline void prefetch_page(const std::byte* page) {
  constexpr std::size_t kLineBytes = 64;
  constexpr std::size_t kLines = 16;
  for (std::size_t line = 0; line < kLines; ++line) __builtin_prefetch(page + line * kLineBytes);
}

}  // namespace pageferry
