#include "workload/page_digest.h"

#include "workload/guest_words.h"
#include "workload/rng.h"

namespace pageferry {

namespace {

constexpr std::size_t kLanes = 4;  // independent chains, to keep the multiplier busy

// A bijection of `state` for a fixed word and of `word` for a fixed state: a changed word cannot be
// lost on the way.
inline std::uint64_t absorb(std::uint64_t state, std::uint64_t word) {
  state = (state ^ word) * 0xff51afd7ed558ccd;
  return state ^ (state >> 29);
}

std::uint64_t hash_rest(const std::byte* page_bytes, std::size_t slot_offset,
                        std::size_t slot_bytes) {
  const std::size_t slot_end = slot_offset + slot_bytes;
  const std::uint64_t before = hash_words(page_bytes, slot_offset, kGoldenGamma);
  return hash_words(page_bytes + slot_end, kPageBytes - slot_end, before);
}

}  // namespace

std::uint64_t hash_words(const std::byte* data, std::size_t bytes, std::uint64_t state) {
  std::uint64_t lanes[kLanes];
  for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] = state + lane * kGoldenGamma;
  std::size_t at = 0;
  for (; at + kLanes * kWordBytes <= bytes; at += kLanes * kWordBytes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] = absorb(lanes[lane], load_word(data + at + lane * kWordBytes));
    }
  }
  for (; at < bytes; at += kWordBytes) lanes[0] = absorb(lanes[0], load_word(data + at));
  std::uint64_t hash = bytes;
  for (const std::uint64_t lane : lanes) hash = mix64(absorb(hash, lane));
  return hash;
}

PageDigest digest_page(const std::byte* page_bytes, PageIndex page, const PageSlots& slots) {
  const std::size_t offset = slots.offset(page);
  return {load_word(page_bytes + offset),
          hash_words(page_bytes + offset, slots.bytes(), kGoldenGamma),
          hash_rest(page_bytes, offset, slots.bytes())};
}

bool page_matches(const std::byte* page_bytes, PageIndex page, const PageSlots& slots,
                  const PageDigest& initial, std::uint64_t writes) {
  const std::size_t offset = slots.offset(page);
  if (hash_rest(page_bytes, offset, slots.bytes()) != initial.rest_hash) return false;
  if (writes > 0) return slots.holds(page_bytes, page, initial.slot_count + writes);
  return load_word(page_bytes + offset) == initial.slot_count &&
         hash_words(page_bytes + offset, slots.bytes(), kGoldenGamma) == initial.slot_hash;
}

}  // namespace pageferry
