#include "workload/page_slot.h"

#include <algorithm>

#include "workload/guest_words.h"
#include "workload/rng.h"

namespace pageferry {

namespace {

constexpr std::size_t kCacheLineBytes = 64;

// Word `i` of a slot, i > 0. A slot of a whole page is 511 of these per write, so it costs one
// multiplication; mixing the base well is what makes different counts differ.
inline std::uint64_t slot_word(std::uint64_t base, std::size_t i) {
  const std::uint64_t x = base + i * kGoldenGamma;
  return (x ^ (x >> 32)) * 0xd6e8feb86659fd93;
}

}  // namespace

PageSlots::PageSlots(std::uint32_t bytes, std::uint64_t seed)
    : bytes_(bytes),
      // The largest power of two that divides the length, so that a slot straddles no more cache
      // lines than it must.
      granule_(std::min<std::size_t>(bytes & (~bytes + 1), kCacheLineBytes)),
      positions_((kPageBytes - bytes) / granule_ + 1),
      seed_(mix64(seed)) {}

std::size_t PageSlots::offset(PageIndex page) const {
  return scale_below(mix64(seed_ + page), positions_) * granule_;
}

std::uint64_t PageSlots::base(PageIndex page, std::uint64_t count) const {
  return mix64(mix64(seed_ ^ page * kGoldenGamma) + count);
}

// Outside TSan's sight for the reason given in guest_words.h.
[[gnu::no_sanitize_thread]] void PageSlots::write(std::byte* page_bytes, PageIndex page) const {
  std::byte* const slot = page_bytes + offset(page);
  const std::uint64_t count = load_guest_word(slot) + 1;
  store_guest_word(slot, count);
  const std::uint64_t seed = base(page, count);
  const std::size_t words = bytes_ / kWordBytes;
  for (std::size_t i = 1; i < words; ++i) {
    store_guest_word(slot + i * kWordBytes, slot_word(seed, i));
  }
}

bool PageSlots::holds(const std::byte* page_bytes, PageIndex page, std::uint64_t count) const {
  const std::byte* const slot = page_bytes + offset(page);
  if (load_word(slot) != count) return false;
  const std::uint64_t seed = base(page, count);
  for (std::size_t i = 1; i < bytes_ / kWordBytes; ++i) {
    if (load_word(slot + i * kWordBytes) != slot_word(seed, i)) return false;
  }
  return true;
}

}  // namespace pageferry
