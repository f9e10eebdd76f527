// A set of pages, one bit per page index: dirty sets, residual sets, received pages.
//
// It costs what it holds, not what it could hold: memory for the bits comes with the first bit set
// nearby, and a second, 4096 times smaller set says which blocks of bits were ever used, so that the
// whole-set operations pass over the others without a look at them. A set of 1 TiB of memory with
// nothing in it is 8 KiB.
//
// Thread contract: test, set, clear and claim may be called from any thread at any time. The whole-
// set operations (merge, clear_all, count, for_each_run) see each word atomically but not the set as
// a whole: call them while nobody changes the set, or accept a mixture.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>

#include "os/mapping.h"

namespace pageferry {

using PageIndex = std::uint64_t;

struct PageRange {
  PageIndex first = 0;
  std::uint64_t count = 0;
  PageIndex end() const { return first + count; }
};

class PageBitmap {
 public:
  explicit PageBitmap(std::uint64_t page_count);

  std::uint64_t page_count() const { return page_count_; }
  PageRange all() const { return {0, page_count_}; }

  bool test(PageIndex page) const {
    return (words_[page / 64].load(std::memory_order_acquire) >> (page % 64)) & 1;
  }
  void set(PageIndex page) { claim(page); }
  void clear(PageIndex page) { take(page); }
  // Sets the bit; true for the one caller that found it clear.
  bool claim(PageIndex page) {
    const auto before = words_[page / 64].fetch_or(bit(page), std::memory_order_acq_rel);
    mark_used(page / kBlockPages);
    return !(before & bit(page));
  }
  // Clears the bit; true for the one caller that found it set.
  bool take(PageIndex page) {
    return words_[page / 64].fetch_and(~bit(page), std::memory_order_acq_rel) & bit(page);
  }

  void set_range(PageRange range);
  void clear_range(PageRange range);
  void clear_all() { clear_range(all()); }
  // clear_all() for a set that nobody else uses meanwhile. It is as cheap afterwards as a new one: which
  // blocks were used is forgotten too.
  void reset();
  void merge(const PageBitmap& other);  // this |= other; same page_count
  std::uint64_t count() const { return count(all()); }
  std::uint64_t count(PageRange range) const;
  // In how many runs its pages lie; counts no further than `most`.
  std::uint64_t count_runs(std::uint64_t most) const;

  // The first set page in [from, end), or `end` when there is none.
  PageIndex next_set(PageIndex from, PageIndex end) const;
  // The first clear page in [from, end), or `end` when there is none.
  PageIndex next_clear(PageIndex from, PageIndex end) const;

  // Calls visit(PageRange) for each maximal run of set pages in `range`, ascending.
  template <class Visit>
  void for_each_run(PageRange range, Visit&& visit) const {
    for (PageIndex at = next_set(range.first, range.end()); at < range.end();) {
      const PageIndex end = next_clear(at, range.end());
      visit(PageRange{at, end - at});
      at = next_set(end, range.end());
    }
  }

 private:
  static constexpr std::uint64_t kBlockPages = std::uint64_t{64} * 64;

  static std::uint64_t bit(std::uint64_t index) { return std::uint64_t{1} << (index % 64); }

  // Called after a bit of the block was set, by whoever set it and by whoever found it set: nobody may
  // go on to a whole-set operation that does not see the bit. A block once used stays used; unmarking
  // it beside a thread that sets a bit in it would lose that bit.
  void mark_used(std::uint64_t block) {
    if (!is_used(block)) used_[block / 64].fetch_or(bit(block), std::memory_order_acq_rel);
  }
  bool is_used(std::uint64_t block) const {
    return used_[block / 64].load(std::memory_order_acquire) & bit(block);
  }
  std::uint64_t next_used(std::uint64_t block) const;
  PageIndex next_set_in_block(PageIndex from, PageIndex end) const;
  template <class Visit>
  void for_each_used_word(PageRange range, Visit visit) const;

  std::uint64_t page_count_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> few_;
  Mapping many_;
  std::atomic<std::uint64_t>* words_ = nullptr;         // those of one of the two
  std::unique_ptr<std::atomic<std::uint64_t>[]> used_;  // one bit for each block of kBlockPages
};

}  // namespace pageferry
