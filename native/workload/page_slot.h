// The slot of a page: the bytes that a page write changes.
//
// A page write adds one to the slot's first word and recomputes the other words from the page index
// and that word. Where the slot lies is fixed per page. Until its first write a slot holds the
// page's initial content.
//
// Thread contract: immutable. write() runs on the one guest thread that owns the page.
#pragma once

#include <cstddef>
#include <cstdint>

#include "region/guest_memory.h"

namespace pageferry {

class PageSlots {
 public:
  // `bytes`: 8 … 4096, a multiple of 8.
  PageSlots(std::uint32_t bytes, std::uint64_t seed);

  std::size_t bytes() const { return bytes_; }
  std::size_t offset(PageIndex page) const;

  // One page write. `page_bytes` is the page in the guest mapping.
  void write(std::byte* page_bytes, PageIndex page) const;

  // True when the slot is what a write leaves that brought the first word to `count`.
  bool holds(const std::byte* page_bytes, PageIndex page, std::uint64_t count) const;

 private:
  std::uint64_t base(PageIndex page, std::uint64_t count) const;

  std::size_t bytes_;
  std::size_t granule_;    // slots start at a multiple of it
  std::size_t positions_;  // how many starts there are
  std::uint64_t seed_;
};

}  // namespace pageferry
