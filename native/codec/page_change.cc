#include "codec/page_change.h"

#include <cstdint>
#include <cstring>

namespace pageferry {
namespace {

constexpr std::size_t kWordBytes = sizeof(std::uint64_t);
// memcmp compares so many bytes by the widest instructions of the processor; words are counted only where they differ.
constexpr std::size_t kGroupBytes = 128;
static_assert(kCodecPageBytes % kGroupBytes == 0);

std::size_t changed_words(const std::byte* page, const std::byte* base) {
  std::size_t changed = 0;
  for (std::size_t at = 0; at < kGroupBytes; at += kWordBytes) {
    if (std::memcmp(page + at, base + at, kWordBytes) != 0) ++changed;
  }
  return changed;
}

}  // namespace

bool has_changed_little(PageBytes page, PageBytes base) {
  std::size_t changed = 0;
  for (std::size_t at = 0; at < kCodecPageBytes; at += kGroupBytes) {
    if (std::memcmp(page.data() + at, base.data() + at, kGroupBytes) == 0) continue;
    changed += changed_words(page.data() + at, base.data() + at);
    if (changed > kFewChangedWords) return false;
  }
  return true;
}

}  // namespace pageferry
