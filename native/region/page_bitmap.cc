#include "region/page_bitmap.h"

#include <algorithm>

namespace pageferry {

namespace {

std::uint64_t word_count(std::uint64_t pages) { return (pages + 63) / 64; }

// The bits of word `word` that lie in the range.
std::uint64_t mask_within(std::uint64_t word, PageRange range) {
  std::uint64_t mask = ~std::uint64_t{0};
  const PageIndex base = word * 64;
  if (range.first > base) mask &= ~std::uint64_t{0} << (range.first - base);
  if (range.end() < base + 64) mask &= ~(~std::uint64_t{0} << (range.end() - base));
  return mask;
}

}  // namespace

PageBitmap::PageBitmap(std::uint64_t page_count)
    : page_count_(page_count),
      words_(std::make_unique<std::atomic<std::uint64_t>[]>(word_count(page_count))) {}

void PageBitmap::set_range(PageRange range) {
  if (range.count == 0) return;
  for (std::uint64_t w = range.first / 64; w * 64 < range.end(); ++w) {
    words_[w].fetch_or(mask_within(w, range), std::memory_order_acq_rel);
  }
}

void PageBitmap::clear_range(PageRange range) {
  if (range.count == 0) return;
  for (std::uint64_t w = range.first / 64; w * 64 < range.end(); ++w) {
    words_[w].fetch_and(~mask_within(w, range), std::memory_order_acq_rel);
  }
}

void PageBitmap::merge(const PageBitmap& other) {
  for (std::uint64_t w = 0; w < word_count(page_count_); ++w) {
    const auto bits = other.words_[w].load(std::memory_order_acquire);
    if (bits != 0) words_[w].fetch_or(bits, std::memory_order_acq_rel);
  }
}

void PageBitmap::subtract(const PageBitmap& other) {
  for (std::uint64_t w = 0; w < word_count(page_count_); ++w) {
    const auto bits = other.words_[w].load(std::memory_order_acquire);
    if (bits != 0) words_[w].fetch_and(~bits, std::memory_order_acq_rel);
  }
}

std::uint64_t PageBitmap::count(PageRange range) const {
  if (range.count == 0) return 0;
  std::uint64_t total = 0;
  for (std::uint64_t w = range.first / 64; w * 64 < range.end(); ++w) {
    total += std::popcount(words_[w].load(std::memory_order_acquire) & mask_within(w, range));
  }
  return total;
}

PageIndex PageBitmap::next_set(PageIndex from, PageIndex end) const {
  if (from >= end) return end;
  std::uint64_t w = from / 64;
  std::uint64_t bits =
      words_[w].load(std::memory_order_acquire) & (~std::uint64_t{0} << (from % 64));
  while (bits == 0) {
    if (++w * 64 >= end) return end;
    bits = words_[w].load(std::memory_order_acquire);
  }
  return std::min<PageIndex>(end, w * 64 + std::countr_zero(bits));
}

PageIndex PageBitmap::next_clear(PageIndex from, PageIndex end) const {
  if (from >= end) return end;
  std::uint64_t w = from / 64;
  std::uint64_t bits =
      ~words_[w].load(std::memory_order_acquire) & (~std::uint64_t{0} << (from % 64));
  while (bits == 0) {
    if (++w * 64 >= end) return end;
    bits = ~words_[w].load(std::memory_order_acquire);
  }
  return std::min<PageIndex>(end, w * 64 + std::countr_zero(bits));
}

}  // namespace pageferry
