// Guest memory of either backing, and pages whose content can be told from their index and a version.
// Tests only.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <ostream>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "region/arriving_memory.h"
#include "region/guest_memory.h"

namespace pageferry {

// How GoogleTest names the parameter of a test.
inline void PrintTo(Backing backing, std::ostream* out) {
  *out << (backing == Backing::kShared ? "shared" : "private");
}

}  // namespace pageferry

namespace pageferry::testing {

inline constexpr std::uint64_t kWordsPerPage = kPageBytes / sizeof(std::uint64_t);

// Guest memory of either backing, with the mapping that owns a private one.
struct TestGuest {
  std::vector<Mapping> mappings;
  std::shared_ptr<GuestMemory> memory;
};

inline TestGuest make_guest(Backing backing, const std::vector<std::uint64_t>& region_pages) {
  TestGuest guest;
  std::vector<std::uint64_t> sizes;
  std::vector<AddressRange> ranges;
  for (const std::uint64_t pages : region_pages) {
    sizes.push_back(pages * kPageBytes);
    if (backing == Backing::kShared) continue;
    auto mapping = Mapping::map_anonymous(pages * kPageBytes);
    EXPECT_TRUE(mapping.ok()) << mapping.status().message();
    ranges.push_back({reinterpret_cast<std::uintptr_t>(mapping.value().data()), sizes.back()});
    guest.mappings.push_back(std::move(mapping.value()));
  }
  auto memory = backing == Backing::kShared ? GuestMemory::create_shared(sizes)
                                            : GuestMemory::adopt_private(ranges);
  EXPECT_TRUE(memory.ok()) << memory.status().message();
  guest.memory = std::move(memory.value());
  return guest;
}

// The guest's word `index` of a page. Atomic, because the engine reads it while the guest writes.
inline std::atomic_ref<std::uint64_t> guest_word(const GuestMemory& memory, PageIndex page,
                                                 std::size_t index = 0) {
  return std::atomic_ref(reinterpret_cast<std::uint64_t*>(memory.guest_address(page))[index]);
}

inline void write_page(const GuestMemory& memory, PageIndex page, std::uint64_t value = 1) {
  guest_word(memory, page).store(value, std::memory_order_relaxed);
}

inline std::uint64_t read_page(const GuestMemory& memory, PageIndex page) {
  return guest_word(memory, page).load(std::memory_order_relaxed);
}

using Pages = std::set<PageIndex>;

inline Pages pages_of(const PageBitmap& bitmap) {
  Pages pages;
  bitmap.for_each_run(bitmap.all(), [&](PageRange run) {
    for (PageIndex page = run.first; page < run.end(); ++page) pages.insert(page);
  });
  return pages;
}

// What word `index` of a page holds in a version of its content. Version 0 is a zero page.
inline std::uint64_t word_of(PageIndex page, std::uint64_t version, std::uint64_t index) {
  if (version == 0) return 0;
  std::uint64_t word = (page << 32) + version * 0x9e3779b97f4a7c15 + index * 0xd6e8feb86659fd93;
  word ^= word >> 32;
  word *= 0xd6e8feb86659fd93;
  return word ^ (word >> 29);
}

// The guest writes its page.
inline void fill_page(const GuestMemory& memory, PageIndex page, std::uint64_t version) {
  for (std::uint64_t i = 0; i < kWordsPerPage; ++i) {
    guest_word(memory, page, i).store(word_of(page, version, i), std::memory_order_relaxed);
  }
}

// The first word of the guest's page that is not as in this version; kWordsPerPage when all are.
inline std::uint64_t first_difference(const GuestMemory& memory, PageIndex page,
                                      std::uint64_t version, std::uint64_t from = 0) {
  for (std::uint64_t i = from; i < kWordsPerPage; ++i) {
    if (guest_word(memory, page, i).load(std::memory_order_relaxed) != word_of(page, version, i)) {
      return i;
    }
  }
  return kWordsPerPage;
}

inline bool holds(const GuestMemory& memory, PageIndex page, std::uint64_t version) {
  return first_difference(memory, page, version) == kWordsPerPage;
}

inline PageBitmap populated_pages(const GuestMemory& memory) {
  PageBitmap populated(memory.page_count());
  const Status found = memory.find_populated(populated);
  EXPECT_TRUE(found.ok()) << found.message();
  return populated;
}

// About one page in `sparseness`.
inline PageBitmap random_pages(std::uint64_t page_count, unsigned sparseness, std::uint32_t seed) {
  std::mt19937 random(seed);
  PageBitmap pages(page_count);
  for (PageIndex page = 0; page < page_count; ++page) {
    if (random() % sparseness == 0) pages.set(page);
  }
  return pages;
}

template <class Visit>
void for_each_page(const PageBitmap& pages, Visit visit) {
  pages.for_each_run(pages.all(), [&](PageRange run) {
    for (PageIndex page = run.first; page < run.end(); ++page) visit(page);
  });
}

// Why this machine cannot serve faults on such memory; empty when it can.
inline std::string why_no_post_copy(Backing backing) {
  const TestGuest guest = make_guest(backing, {1});
  const Status started = ArrivingMemory(guest.memory).start_serving([] {});
  const bool lacking =
      started.code() == StatusCode::kUnsupported || started.code() == StatusCode::kNoPermission;
  return lacking ? started.message() : "";
}

}  // namespace pageferry::testing
