#include "codec/page_change.h"

#include <cstdint>
#include <cstring>

namespace pageferry {
namespace {

constexpr std::size_t kWordBytes = sizeof(std::uint64_t);
// Compilers make vector instructions of a loop over so many words.
constexpr std::size_t kGroupWords = 32;
constexpr std::size_t kGroupBytes = kGroupWords * kWordBytes;
static_assert(kCodecPageBytes % kGroupBytes == 0);

std::size_t changed_words(const std::byte* page, const std::byte* base) {
  std::uint64_t changed = 0;
  for (std::size_t at = 0; at < kGroupBytes; at += kWordBytes) {
    std::uint64_t is = 0;
    std::uint64_t was = 0;
    std::memcpy(&is, page + at, kWordBytes);
    std::memcpy(&was, base + at, kWordBytes);
    changed += static_cast<std::uint64_t>(is != was);
  }
  return changed;
}

}  // namespace

bool has_changed_little(PageBytes page, PageBytes base) {
  std::size_t changed = 0;
  for (std::size_t at = 0; at < kCodecPageBytes; at += kGroupBytes) {
    changed += changed_words(page.data() + at, base.data() + at);
    if (changed > kFewChangedWords) return false;
  }
  return true;
}

}  // namespace pageferry
