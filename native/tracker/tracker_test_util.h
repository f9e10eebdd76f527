// Helpers for tests that write guest memory and follow what a tracker says. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tracker/dirty_tracker.h"

namespace pageferry::testing {

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

inline Pages harvest_all(DirtyTracker& tracker, const GuestMemory& memory) {
  PageBitmap dirty(memory.page_count());
  const Status status = tracker.harvest(dirty.all(), dirty);
  EXPECT_TRUE(status.ok()) << status.message();
  return pages_of(dirty);
}

inline Pages peek_all(DirtyTracker& tracker, const GuestMemory& memory) {
  PageBitmap dirty(memory.page_count());
  const Status status = tracker.peek(dirty.all(), dirty);
  EXPECT_TRUE(status.ok()) << status.message();
  return pages_of(dirty);
}

// Why this machine cannot run the tracker on this backing; empty when it can. Asks arm and not the
// probe, because the probe calls a tracker that misses writes unavailable, and its tests must fail.
inline std::string why_unavailable(TrackerKind kind, Backing backing) {
  const TestGuest guest = make_guest(backing, {1});
  auto tracker = make_tracker(kind, guest.memory);
  if (!tracker.ok()) return "";
  const Status status = tracker.value()->arm();
  const bool lacking =
      status.code() == StatusCode::kUnsupported || status.code() == StatusCode::kNoPermission;
  return lacking ? status.message() : "";
}

}  // namespace pageferry::testing
