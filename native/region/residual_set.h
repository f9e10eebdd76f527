// The pages that the source still has to send after the switchover, shared by the active push and the
// page server, and where the push goes next.
//
// The push moves forward from the page last asked for, because a guest that asked for a page is about
// to ask for those behind it (single-pivot bubbling in one direction: Hines & Gopalan, VEE'09, section
// 3.2). Thread contract: everything from any thread.
#pragma once

#include <algorithm>
#include <atomic>

#include "region/page_bitmap.h"

namespace pageferry {

class ResidualSet {
 public:
  explicit ResidualSet(std::uint64_t page_count) : pages_(page_count) {}

  PageBitmap& pages() { return pages_; }
  const PageBitmap& pages() const { return pages_; }

  // The page server sent this page on demand: the push need not send it again and goes on behind it.
  void demanded(PageIndex page) {
    pages_.take(page);
    next_.store(page + 1, std::memory_order_relaxed);
    demands_.fetch_add(1, std::memory_order_relaxed);
  }
  // How often demanded() was called.
  std::uint64_t demands() const { return demands_.load(std::memory_order_relaxed); }

  // The next stretch of at most `most` page indices that starts with a page still to be sent; empty
  // when there is none. Who gets it take()s each page before sending it.
  PageRange next_stretch(std::uint64_t most) {
    const PageIndex end = pages_.page_count();
    PageIndex first = pages_.next_set(std::min(next_.load(std::memory_order_relaxed), end), end);
    if (first == end) first = pages_.next_set(0, end);
    if (first == end) return {};
    const PageRange stretch = {first, std::min(most, end - first)};
    next_.store(stretch.end(), std::memory_order_relaxed);
    return stretch;
  }

 private:
  PageBitmap pages_;
  std::atomic<PageIndex> next_{0};
  std::atomic<std::uint64_t> demands_{0};
};

}  // namespace pageferry
