#include "region/page_bitmap.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace pageferry {

namespace {

constexpr std::uint64_t kAllBits = ~std::uint64_t{0};

std::uint64_t units(std::uint64_t count, std::uint64_t per_unit) {
  return (count + per_unit - 1) / per_unit;
}

// The bits of word `word` that lie in the range.
std::uint64_t mask_within(std::uint64_t word, PageRange range) {
  std::uint64_t mask = kAllBits;
  const PageIndex base = word * 64;
  if (range.first > base) mask &= kAllBits << (range.first - base);
  if (range.end() < base + 64) mask &= ~(kAllBits << (range.end() - base));
  return mask;
}

// Fit one page: a mapping would take one whatever it holds, and two system calls.
constexpr std::uint64_t kFewWords = 512;

// Zeros that take no memory until they are written.
Mapping map_zeros(std::uint64_t bytes) {
  auto mapping = Mapping::map_anonymous(bytes);
  if (!mapping.ok()) throw std::bad_alloc();  // As `new` would.
  // One bit must not cost a huge page. Fails only where the kernel has none at all.
  static_cast<void>(::madvise(mapping.value().data(), bytes, MADV_NOHUGEPAGE));
  return std::move(mapping.value());
}

}  // namespace

PageBitmap::PageBitmap(std::uint64_t page_count)
    : page_count_(page_count),
      used_(std::make_unique<std::atomic<std::uint64_t>[]>(
          units(units(page_count, kBlockPages), 64))) {
  const std::uint64_t words = units(page_count, 64);
  if (words <= kFewWords) {
    few_ = std::make_unique<std::atomic<std::uint64_t>[]>(words);
    words_ = few_.get();
  } else {
    many_ = map_zeros(words * sizeof(words_[0]));
    words_ = reinterpret_cast<std::atomic<std::uint64_t>*>(many_.data());
  }
}

// The first used block from `block` on; when there is none, the number of blocks or a little more.
std::uint64_t PageBitmap::next_used(std::uint64_t block) const {
  const std::uint64_t end = units(page_count_, kBlockPages);
  std::uint64_t skipped = kAllBits << (block % 64);
  for (; block < end; block = (block / 64 + 1) * 64, skipped = kAllBits) {
    const auto bits = used_[block / 64].load(std::memory_order_acquire) & skipped;
    if (bits != 0) return block / 64 * 64 + std::countr_zero(bits);
  }
  return end;
}

// Calls visit(word, mask) for each word of the range that lies in a used block, with the range's bits.
template <class Visit>
void PageBitmap::for_each_used_word(PageRange range, Visit visit) const {
  for (PageIndex at = range.first; at < range.end();) {
    at = std::max(at, next_used(at / kBlockPages) * kBlockPages);
    const PageIndex block_end = std::min(range.end(), (at / kBlockPages + 1) * kBlockPages);
    for (std::uint64_t w = at / 64; w * 64 < block_end; ++w) visit(w, mask_within(w, range));
    at = block_end;
  }
}

void PageBitmap::set_range(PageRange range) {
  if (range.count == 0) return;
  for (std::uint64_t w = range.first / 64; w * 64 < range.end(); ++w) {
    const std::uint64_t mask = mask_within(w, range);
    // A whole word needs no read of what it was, which makes long runs several times as fast.
    if (mask == kAllBits) {
      words_[w].store(kAllBits, std::memory_order_release);
    } else {
      words_[w].fetch_or(mask, std::memory_order_acq_rel);
    }
  }
  for (std::uint64_t block = range.first / kBlockPages; block * kBlockPages < range.end();
       ++block) {
    mark_used(block);
  }
}

void PageBitmap::clear_range(PageRange range) {
  for_each_used_word(range, [this](std::uint64_t w, std::uint64_t mask) {
    if (words_[w].load(std::memory_order_acquire) & mask) {
      words_[w].fetch_and(~mask, std::memory_order_acq_rel);
    }
  });
}

void PageBitmap::reset() {
  clear_all();
  const std::uint64_t blocks = units(page_count_, kBlockPages);
  for (std::uint64_t i = 0; i * 64 < blocks; ++i) used_[i].store(0, std::memory_order_release);
}

void PageBitmap::merge(const PageBitmap& other) {
  other.for_each_used_word(all(), [&](std::uint64_t w, std::uint64_t) {
    const auto bits = other.words_[w].load(std::memory_order_acquire);
    if (bits == 0) return;
    words_[w].fetch_or(bits, std::memory_order_acq_rel);
    mark_used(w * 64 / kBlockPages);
  });
}

std::uint64_t PageBitmap::count(PageRange range) const {
  std::uint64_t total = 0;
  for_each_used_word(range, [&](std::uint64_t w, std::uint64_t mask) {
    total += std::popcount(words_[w].load(std::memory_order_acquire) & mask);
  });
  return total;
}

std::uint64_t PageBitmap::count_runs(std::uint64_t most) const {
  const PageIndex end = page_count();
  std::uint64_t runs = 0;
  for (PageIndex at = next_set(0, end); at < end && runs < most; ++runs) {
    at = next_set(next_clear(at, end), end);
  }
  return runs;
}

PageIndex PageBitmap::next_set(PageIndex from, PageIndex end) const {
  while (from < end) {
    from = std::max(from, next_used(from / kBlockPages) * kBlockPages);
    const PageIndex block_end = std::min(end, (from / kBlockPages + 1) * kBlockPages);
    const PageIndex found = next_set_in_block(from, block_end);
    if (found < block_end) return found;
    from = block_end;
  }
  return end;
}

PageIndex PageBitmap::next_set_in_block(PageIndex from, PageIndex end) const {
  if (from >= end) return end;
  std::uint64_t w = from / 64;
  std::uint64_t bits = words_[w].load(std::memory_order_acquire) & (kAllBits << (from % 64));
  while (bits == 0) {
    if (++w * 64 >= end) return end;
    bits = words_[w].load(std::memory_order_acquire);
  }
  return std::min<PageIndex>(end, w * 64 + std::countr_zero(bits));
}

PageIndex PageBitmap::next_clear(PageIndex from, PageIndex end) const {
  if (from >= end) return end;
  if (!is_used(from / kBlockPages)) return from;
  std::uint64_t w = from / 64;
  std::uint64_t bits = ~words_[w].load(std::memory_order_acquire) & (kAllBits << (from % 64));
  while (bits == 0) {
    if (++w * 64 >= end) return end;
    bits = ~words_[w].load(std::memory_order_acquire);
  }
  return std::min<PageIndex>(end, w * 64 + std::countr_zero(bits));
}

}  // namespace pageferry
