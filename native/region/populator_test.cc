#include "region/populator.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "region/guest_test_util.h"

namespace pageferry {
namespace {

using namespace testing;

// Memory that is populated, and how often its owner was told.
struct Populating {
  explicit Populating(const std::vector<std::uint64_t>& region_pages,
                      Backing backing = Backing::kShared)
      : guest(make_guest(backing, region_pages)), populated(guest.memory->page_count()) {}

  void start(const std::vector<PageRange>& parts) {
    populator.emplace(guest.memory, parts, populated, [this] { ++done; });
  }
  void wait() const {
    while (done.load() == 0) std::this_thread::yield();
  }
  Pages pages_there() const {
    PageBitmap there(guest.memory->page_count());
    EXPECT_TRUE(guest.memory->find_populated(there).ok());
    return pages_of(there);
  }

  TestGuest guest;
  PageBitmap populated;
  std::atomic<int> done{0};
  std::optional<Populator> populator;
};

Pages pages_from(PageIndex first, std::uint64_t count) {
  Pages pages;
  for (PageIndex page = first; page < first + count; ++page) pages.insert(page);
  return pages;
}

TEST(Populator, PopulatesTheWholeHugePagesOfItsPartsAndNothingElse) {
  // The second region's huge pages begin where its first page is.
  Populating populating({1000, 3 * kHugePagePages + 5});
  populating.start({{3, 997}, {1000 + 100, 2 * kHugePagePages}});
  populating.wait();
  const Pages expected = pages_from(1000 + kHugePagePages, kHugePagePages);
  EXPECT_EQ(populating.pages_there(), expected);
  EXPECT_EQ(pages_of(populating.populated), expected);
}

TEST(Populator, LeavesPrivateMemoryAlone) {
  Populating populating({2 * kHugePagePages}, Backing::kPrivate);
  populating.start({{0, 2 * kHugePagePages}});
  populating.wait();
  EXPECT_TRUE(populating.pages_there().empty());
}

TEST(Populator, TellsItsOwnerOnceHoweverItEnds) {
  Populating nothing({100});
  nothing.start({{0, 100}});
  EXPECT_EQ(nothing.done.load(), 1);
  nothing.populator->stop();
  EXPECT_EQ(nothing.done.load(), 1);

  Populating cancelled({64 * kHugePagePages});
  cancelled.start({{0, 64 * kHugePagePages}});
  cancelled.populator->cancel();
  EXPECT_EQ(cancelled.done.load(), 1);
  cancelled.populator.reset();
  EXPECT_EQ(cancelled.done.load(), 1);
}

TEST(Populator, WhatSeveralThreadsWriteOnceItIsEnsuredStays) {
  constexpr std::uint64_t kHugePages = 48;
  constexpr unsigned kWriters = 4;
  Populating populating({kHugePages * kHugePagePages});
  const GuestMemory& memory = *populating.guest.memory;
  populating.start({{0, memory.page_count()}});
  std::vector<std::thread> writers;
  for (unsigned writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (PageIndex page = writer; page < memory.page_count(); page += kWriters) {
        populating.populator->ensure({page, 1});
        *memory.engine_page(page) = static_cast<std::byte>(page % 251 + 1);
      }
    });
  }
  for (auto& writer : writers) writer.join();
  // A chunk is ensured a moment before its thread has told that it was the last.
  populating.wait();
  for (PageIndex page = 0; page < memory.page_count(); ++page) {
    ASSERT_EQ(*memory.engine_page(page), static_cast<std::byte>(page % 251 + 1)) << page;
  }
  EXPECT_EQ(populating.populated.count(), memory.page_count());
  EXPECT_EQ(populating.done.load(), 1);
}

TEST(Populator, EnsuresWhatNoThreadOfItsOwnComesToAnyMore) {
  Populating populating({64 * kHugePagePages});
  populating.start({{0, 64 * kHugePagePages}});
  populating.populator->stop();
  const PageRange last = {63 * kHugePagePages, kHugePagePages};
  populating.populator->ensure(last);
  EXPECT_EQ(populating.populated.count(last), kHugePagePages);
}

TEST(Populator, EnsuringWhatIsInNoPartPopulatesNothing) {
  Populating populating({4 * kHugePagePages + 3});
  populating.start({{0, kHugePagePages}});
  populating.populator->ensure({2 * kHugePagePages + 1, kHugePagePages});
  populating.populator->ensure({4 * kHugePagePages, 3});
  populating.wait();
  EXPECT_EQ(populating.pages_there(), pages_from(0, kHugePagePages));
}

}  // namespace
}  // namespace pageferry
