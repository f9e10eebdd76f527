// The contract of tracker/dirty_tracker.h, for every tracker on every backing.

#include "tracker/dirty_tracker.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <map>
#include <random>
#include <thread>
#include <tuple>

#include "tracker/tracker_test_util.h"

namespace pageferry {
namespace {

using testing::guest_word;
using testing::harvest_all;
using testing::ignore_failure;
using testing::make_guest;
using testing::Pages;
using testing::peek_all;
using testing::read_page;
using testing::TestGuest;
using testing::write_page;

class DirtyTrackerContract : public ::testing::TestWithParam<std::tuple<TrackerKind, Backing>> {
 protected:
  TrackerKind kind() const { return std::get<0>(GetParam()); }
  Backing backing() const { return std::get<1>(GetParam()); }

  void SetUp() override {
    const std::string reason = testing::why_unavailable(kind(), backing());
    if (!reason.empty()) GTEST_SKIP() << reason;
  }

  std::unique_ptr<DirtyTracker> make(const TestGuest& guest) const {
    auto tracker = make_tracker(kind(), guest.memory, ignore_failure);
    EXPECT_TRUE(tracker.ok()) << tracker.status().message();
    return std::move(tracker.value());
  }

  std::unique_ptr<DirtyTracker> make_armed(const TestGuest& guest) const {
    auto tracker = make(guest);
    const Status status = tracker->arm();
    EXPECT_TRUE(status.ok()) << status.message();
    return tracker;
  }
};

// What only memory with an engine mapping and a file behind it can show.
class SharedMemoryTrackerContract : public DirtyTrackerContract {};

TEST_P(DirtyTrackerContract, ReportsExactlyThePagesWrittenSinceArm) {
  const TestGuest guest = make_guest(backing(), {600});
  for (PageIndex page = 0; page < 600; ++page) write_page(*guest.memory, page);
  auto tracker = make_armed(guest);
  EXPECT_EQ(harvest_all(*tracker, *guest.memory), Pages{});
  for (const PageIndex page : {0, 1, 511, 512, 599}) write_page(*guest.memory, page, 2);
  EXPECT_EQ(harvest_all(*tracker, *guest.memory), (Pages{0, 1, 511, 512, 599}));
  EXPECT_EQ(read_page(*guest.memory, 511), 2u);
}

TEST_P(DirtyTrackerContract, AHarvestedPageIsTrackedAgain) {
  const TestGuest guest = make_guest(backing(), {16});
  write_page(*guest.memory, 3);
  auto tracker = make_armed(guest);
  for (std::uint64_t round = 0; round < 5; ++round) {
    write_page(*guest.memory, 3, round);
    EXPECT_EQ(harvest_all(*tracker, *guest.memory), Pages{3});
    EXPECT_EQ(harvest_all(*tracker, *guest.memory), Pages{});
  }
}

TEST_P(DirtyTrackerContract, PeekReportsWithoutClearing) {
  const TestGuest guest = make_guest(backing(), {16});
  write_page(*guest.memory, 2);
  auto tracker = make_armed(guest);
  write_page(*guest.memory, 2, 2);
  write_page(*guest.memory, 9);
  EXPECT_EQ(peek_all(*tracker, *guest.memory), (Pages{2, 9}));
  EXPECT_EQ(peek_all(*tracker, *guest.memory), (Pages{2, 9}));
  EXPECT_EQ(harvest_all(*tracker, *guest.memory), (Pages{2, 9}));
  EXPECT_EQ(peek_all(*tracker, *guest.memory), Pages{});
}

TEST_P(DirtyTrackerContract, HarvestTakesOnlyTheRangeItIsGiven) {
  const TestGuest guest = make_guest(backing(), {100});
  write_page(*guest.memory, 0);
  auto tracker = make_armed(guest);
  for (PageIndex page = 40; page < 60; ++page) write_page(*guest.memory, page);
  PageBitmap dirty(100);
  ASSERT_TRUE(tracker->peek({45, 2}, dirty).ok());
  EXPECT_EQ(testing::pages_of(dirty), (Pages{45, 46}));
  dirty.clear_all();
  ASSERT_TRUE(tracker->harvest({50, 50}, dirty).ok());
  EXPECT_EQ(dirty.count(), 10u);
  EXPECT_EQ(dirty.next_set(0, 100), 50u);
  EXPECT_EQ(harvest_all(*tracker, *guest.memory).size(), 10u);
}

TEST_P(DirtyTrackerContract, HarvestOfAPartOfAHoleForgetsNothingOfTheRest) {
  const TestGuest guest = make_guest(backing(), {1000});
  auto tracker = make_armed(guest);
  for (PageIndex page = 40; page < 60; ++page) write_page(*guest.memory, page);
  PageBitmap dirty(1000);
  ASSERT_TRUE(tracker->harvest({50, 700}, dirty).ok());
  EXPECT_EQ(dirty.count(), 10u);
  EXPECT_EQ(dirty.next_set(0, 1000), 50u);
  write_page(*guest.memory, 55, 2);
  write_page(*guest.memory, 699);
  const Pages rest = harvest_all(*tracker, *guest.memory);
  for (PageIndex page = 40; page < 50; ++page) EXPECT_TRUE(rest.contains(page)) << page;
  EXPECT_TRUE(rest.contains(55));
  EXPECT_TRUE(rest.contains(699));
  EXPECT_EQ(harvest_all(*tracker, *guest.memory), Pages{});
}

TEST_P(DirtyTrackerContract, HarvestAddsToWhatTheBitmapHolds) {
  const TestGuest guest = make_guest(backing(), {8});
  auto tracker = make_armed(guest);
  write_page(*guest.memory, 1);
  PageBitmap dirty(8);
  dirty.set(7);
  ASSERT_TRUE(tracker->harvest(dirty.all(), dirty).ok());
  EXPECT_EQ(testing::pages_of(dirty), (Pages{1, 7}));
}

TEST_P(DirtyTrackerContract, AFirstWriteToAHoleIsReported) {
  const TestGuest guest = make_guest(backing(), {2048});
  auto tracker = make_armed(guest);
  for (const PageIndex page : {0, 777, 2047}) write_page(*guest.memory, page);
  EXPECT_EQ(harvest_all(*tracker, *guest.memory), (Pages{0, 777, 2047}));
  for (const PageIndex page : {1, 777, 1400}) write_page(*guest.memory, page, 2);
  EXPECT_EQ(harvest_all(*tracker, *guest.memory), (Pages{1, 777, 1400}));
}

TEST_P(DirtyTrackerContract, AHoleOfManyPagesIsTrackedOnceItHoldsAPage) {
  constexpr std::uint64_t kPages = 64 * 512;
  const TestGuest guest = make_guest(backing(), {kPages - 700, 700});
  write_page(*guest.memory, 20 * 512);
  auto tracker = make_armed(guest);
  EXPECT_EQ(harvest_all(*tracker, *guest.memory), Pages{});
  // On both sides of the page that was there, in the last pages of a region and in the first.
  const Pages first = {3 * 512 + 7, 3 * 512 + 8, 40 * 512, kPages - 701, kPages - 700, kPages - 1};
  for (const PageIndex page : first) write_page(*guest.memory, page);
  EXPECT_EQ(peek_all(*tracker, *guest.memory), first);
  EXPECT_EQ(harvest_all(*tracker, *guest.memory), first);
  EXPECT_EQ(harvest_all(*tracker, *guest.memory), Pages{});
  const Pages second = {3 * 512 + 8, 3 * 512 + 9, 41 * 512, kPages - 2};
  for (const PageIndex page : second) write_page(*guest.memory, page, 2);
  EXPECT_EQ(peek_all(*tracker, *guest.memory), second);
  EXPECT_EQ(harvest_all(*tracker, *guest.memory), second);
  EXPECT_EQ(peek_all(*tracker, *guest.memory), Pages{});
}

TEST_P(DirtyTrackerContract, AWriteAfterAReadOfAHoleIsReported) {
  const TestGuest guest = make_guest(backing(), {8});
  auto tracker = make_armed(guest);
  EXPECT_EQ(read_page(*guest.memory, 4), 0u);
  harvest_all(*tracker, *guest.memory);  // May report the read.
  write_page(*guest.memory, 4);
  EXPECT_TRUE(harvest_all(*tracker, *guest.memory).contains(4));
}

TEST_P(DirtyTrackerContract, TrackingPopulatesNothing) {
  const TestGuest guest = make_guest(backing(), {4096});
  auto tracker = make_armed(guest);
  write_page(*guest.memory, 5);
  EXPECT_EQ(harvest_all(*tracker, *guest.memory), Pages{5});
  EXPECT_EQ(peek_all(*tracker, *guest.memory), Pages{});
  PageBitmap populated(guest.memory->page_count());
  ASSERT_TRUE(guest.memory->find_populated(populated).ok());
  EXPECT_EQ(testing::pages_of(populated), Pages{5});
}

TEST_P(SharedMemoryTrackerContract, PagesThatOnlyTheEngineHasTouchedAreTracked) {
  const TestGuest guest = make_guest(backing(), {64});
  for (PageIndex page = 0; page < 64; ++page) *guest.memory->engine_page(page) = std::byte{1};
  auto tracker = make_armed(guest);
  EXPECT_EQ(harvest_all(*tracker, *guest.memory), Pages{});
  write_page(*guest.memory, 33);
  EXPECT_EQ(harvest_all(*tracker, *guest.memory), Pages{33});
  *guest.memory->engine_page(34) = std::byte{2};
  EXPECT_EQ(harvest_all(*tracker, *guest.memory), Pages{});
}

TEST_P(SharedMemoryTrackerContract, AWriteSurvivesTheLossOfItsPageTableEntry) {
  const TestGuest guest = make_guest(backing(), {1024});
  for (PageIndex page = 0; page < 1024; ++page) write_page(*guest.memory, page);
  auto tracker = make_armed(guest);
  for (PageIndex page = 0; page < 600; ++page) write_page(*guest.memory, page, 2);
  void* base = reinterpret_cast<void*>(guest.memory->guest_address(0));
  ASSERT_EQ(::madvise(base, 1024 * kPageBytes, MADV_DONTNEED), 0);
  EXPECT_EQ(read_page(*guest.memory, 599), 2u);
  const Pages dirty = harvest_all(*tracker, *guest.memory);
  for (PageIndex page = 0; page < 600; ++page) EXPECT_TRUE(dirty.contains(page)) << page;
  write_page(*guest.memory, 1000, 3);
  EXPECT_TRUE(harvest_all(*tracker, *guest.memory).contains(1000));
}

// A page table whose pages were all dropped may go as a whole.
TEST_P(SharedMemoryTrackerContract, AWriteSurvivesTheLossOfItsPageTable) {
  constexpr std::uint64_t kPages = 4 * 512;
  const TestGuest guest = make_guest(backing(), {kPages});
  for (PageIndex page = 0; page < kPages; ++page) write_page(*guest.memory, page);
  auto tracker = make_armed(guest);
  for (PageIndex page = 0; page < kPages; ++page) write_page(*guest.memory, page, 2);
  void* base = reinterpret_cast<void*>(guest.memory->guest_address(0));
  ASSERT_EQ(::madvise(base, kPages * kPageBytes, MADV_DONTNEED), 0);
  EXPECT_EQ(harvest_all(*tracker, *guest.memory).size(), kPages);
  EXPECT_EQ(harvest_all(*tracker, *guest.memory), Pages{});
  write_page(*guest.memory, 1000, 3);
  EXPECT_EQ(harvest_all(*tracker, *guest.memory), Pages{1000});
}

TEST_P(DirtyTrackerContract, AWriteByASystemCallIsReportedOrFailsWithEfault) {
  const TestGuest guest = make_guest(backing(), {8});
  write_page(*guest.memory, 1);
  auto tracker = make_armed(guest);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd read_end(ends[0]);
  const UniqueFd write_end(ends[1]);
  ASSERT_EQ(::write(write_end.get(), "data", 4), 4);
  void* page = reinterpret_cast<void*>(guest.memory->guest_address(1));
  const ssize_t got = ::read(read_end.get(), page, 4);
  if (kind() == TrackerKind::kMprotect) {
    EXPECT_EQ(got, -1);
    EXPECT_EQ(errno, EFAULT);
    EXPECT_EQ(harvest_all(*tracker, *guest.memory), Pages{});
    return;
  }
  EXPECT_EQ(got, 4);
  EXPECT_EQ(std::memcmp(page, "data", 4), 0);
  EXPECT_EQ(harvest_all(*tracker, *guest.memory), Pages{1});
}

TEST_P(DirtyTrackerContract, OnlyAnArmedTrackerCanBeRead) {
  const TestGuest guest = make_guest(backing(), {4});
  auto tracker = make(guest);
  PageBitmap dirty(4);
  EXPECT_EQ(tracker->harvest(dirty.all(), dirty).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(tracker->peek(dirty.all(), dirty).code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(tracker->disarm().ok());
}

TEST_P(DirtyTrackerContract, AfterDisarmWritesAreFreeAndDisarmMayBeRepeated) {
  const TestGuest guest = make_guest(backing(), {8});
  auto tracker = make_armed(guest);
  write_page(*guest.memory, 1);
  EXPECT_TRUE(tracker->disarm().ok());
  EXPECT_TRUE(tracker->disarm().ok());
  for (PageIndex page = 0; page < 8; ++page) write_page(*guest.memory, page, 5);
  EXPECT_EQ(read_page(*guest.memory, 7), 5u);
}

TEST_P(DirtyTrackerContract, ArmingAgainStartsFromACleanSet) {
  const TestGuest guest = make_guest(backing(), {8});
  for (PageIndex page = 0; page < 8; ++page) write_page(*guest.memory, page);
  auto tracker = make_armed(guest);
  write_page(*guest.memory, 1);
  ASSERT_TRUE(tracker->disarm().ok());
  write_page(*guest.memory, 2);
  ASSERT_TRUE(tracker->arm().ok());
  write_page(*guest.memory, 3);
  EXPECT_EQ(harvest_all(*tracker, *guest.memory), Pages{3});
  write_page(*guest.memory, 4);
  ASSERT_TRUE(tracker->arm().ok());  // Without a disarm in between.
  EXPECT_EQ(harvest_all(*tracker, *guest.memory), Pages{});
  write_page(*guest.memory, 5);
  EXPECT_EQ(harvest_all(*tracker, *guest.memory), Pages{5});
}

TEST_P(DirtyTrackerContract, SeveralRegionsShareOneRunOfPageIndices) {
  const TestGuest guest = make_guest(backing(), {1, 300, 5});
  auto tracker = make_armed(guest);
  for (const PageIndex page : {0, 1, 300, 301, 305}) write_page(*guest.memory, page);
  EXPECT_EQ(harvest_all(*tracker, *guest.memory), (Pages{0, 1, 300, 301, 305}));
}

TEST_P(DirtyTrackerContract, ARegionOfOnePageIsTracked) {
  const TestGuest guest = make_guest(backing(), {1});
  auto tracker = make_armed(guest);
  write_page(*guest.memory, 0);
  EXPECT_EQ(harvest_all(*tracker, *guest.memory), Pages{0});
  EXPECT_EQ(harvest_all(*tracker, *guest.memory), Pages{});
}

TEST_P(DirtyTrackerContract, ASparseRegionBeyondFourGiBIsTracked) {
  const std::uint64_t pages = (std::uint64_t{5} << 30) / kPageBytes;
  const TestGuest guest = make_guest(backing(), {pages});
  write_page(*guest.memory, pages - 2);
  auto tracker = make_armed(guest);
  for (const PageIndex page : {PageIndex{0}, pages - 2000, pages - 2, pages - 1}) {
    write_page(*guest.memory, page, 2);
  }
  EXPECT_EQ(harvest_all(*tracker, *guest.memory), (Pages{0, pages - 2000, pages - 2, pages - 1}));
}

TEST_P(DirtyTrackerContract, TwoTrackersInOneProcessDoNotDisturbEachOther) {
  const TestGuest left = make_guest(backing(), {8});
  const TestGuest right = make_guest(backing(), {8});
  auto left_tracker = make_armed(left);
  auto right_tracker = make_armed(right);
  write_page(*left.memory, 1);
  write_page(*right.memory, 2);
  EXPECT_EQ(harvest_all(*left_tracker, *left.memory), Pages{1});
  ASSERT_TRUE(left_tracker->disarm().ok());
  write_page(*left.memory, 3);
  write_page(*right.memory, 4);
  EXPECT_EQ(harvest_all(*right_tracker, *right.memory), (Pages{2, 4}));
}

TEST_P(DirtyTrackerContract, WritersRunOnWhenTheTrackerIsArmedAndDisarmedUnderThem) {
  const TestGuest guest = make_guest(backing(), {256});
  std::atomic<bool> stop{false};
  std::vector<std::thread> writers;
  std::atomic<std::uint64_t> writes{0};
  for (unsigned seed = 0; seed < 3; ++seed) {
    writers.emplace_back([&, seed] {
      std::mt19937_64 random(seed);
      while (!stop.load(std::memory_order_relaxed)) {
        guest_word(*guest.memory, random() % 256, seed).fetch_add(1, std::memory_order_relaxed);
        writes.fetch_add(1, std::memory_order_relaxed);
      }
    });
  }
  auto tracker = make(guest);
  for (int round = 0; round < 100; ++round) {
    const Status armed = tracker->arm();
    EXPECT_TRUE(armed.ok()) << armed.message();
    harvest_all(*tracker, *guest.memory);
    EXPECT_TRUE(tracker->disarm().ok());
  }
  stop.store(true);
  for (auto& writer : writers) writer.join();
  std::uint64_t total = 0;
  for (PageIndex page = 0; page < 256; ++page) {
    for (std::size_t word = 0; word < 3; ++word) total += guest_word(*guest.memory, page, word);
  }
  EXPECT_EQ(total, writes.load());
}

// Pre-copy in small: copies what each harvest reports while writers run on, and the rest at the end.
class PrecopyModel {
 public:
  PrecopyModel(const GuestMemory& memory, DirtyTracker& tracker)
      : memory_(memory), tracker_(tracker), copy_(memory.page_count() * kWords) {}

  void copy_populated() {
    PageBitmap populated(memory_.page_count());
    ASSERT_TRUE(memory_.find_populated(populated).ok());
    for (const PageIndex page : testing::pages_of(populated)) copy(page);
  }
  std::size_t copy_harvest() {
    const Pages dirty = harvest_all(tracker_, memory_);
    for (const PageIndex page : dirty) copy(page);
    return dirty.size();
  }
  Pages differing_pages() const {
    Pages pages;
    for (PageIndex page = 0; page < memory_.page_count(); ++page) {
      if (std::memcmp(memory_.engine_page(page), &copy_[page * kWords], kPageBytes) != 0) {
        pages.insert(page);
      }
    }
    return pages;
  }

 private:
  static constexpr std::size_t kWords = kPageBytes / sizeof(std::uint64_t);

  void copy(PageIndex page) {
    auto* words = reinterpret_cast<std::uint64_t*>(memory_.engine_page(page));
    for (std::size_t i = 0; i < kWords; ++i) {
      copy_[page * kWords + i] = std::atomic_ref(words[i]).load(std::memory_order_relaxed);
    }
  }

  const GuestMemory& memory_;
  DirtyTracker& tracker_;
  std::vector<std::uint64_t> copy_;
};

TEST_P(DirtyTrackerContract, NoWriteIsMissedWhileManyThreadsWriteAndHarvestsRun) {
  constexpr std::uint64_t kPages = 400;
  constexpr unsigned kWriters = 6;
  constexpr std::size_t kHarvests = 150;
  const TestGuest guest = make_guest(backing(), {kPages - 30, 1, 29});
  // A third is populated before arm, a third after, a third only by the writers.
  for (PageIndex page = 0; page < kPages; page += 3) write_page(*guest.memory, page, page);
  auto tracker = make_armed(guest);
  for (PageIndex page = 1; page < kPages; page += 3) write_page(*guest.memory, page, page);
  PrecopyModel model(*guest.memory, *tracker);
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < kWriters; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937_64 random(seed);
      while (!stop.load(std::memory_order_relaxed)) {
        // Half of the writes meet in a few pages, so that faults on one page race.
        const PageIndex page = random() % (random() % 2 == 0 ? 8 : kPages);
        guest_word(*guest.memory, page, 1 + random() % 500).fetch_add(1, std::memory_order_relaxed);
      }
    });
  }
  threads.emplace_back([&] {
    while (!stop.load(std::memory_order_relaxed)) peek_all(*tracker, *guest.memory);
  });
  model.copy_populated();
  std::size_t copied = 0;
  for (std::size_t i = 0; i < kHarvests; ++i) copied += model.copy_harvest();
  stop.store(true);
  for (auto& thread : threads) thread.join();
  // Whatever differs now must be in the last harvest.
  const Pages stale = model.differing_pages();
  const Pages reported = peek_all(*tracker, *guest.memory);
  for (const PageIndex page : stale) EXPECT_TRUE(reported.contains(page)) << "page " << page;
  model.copy_harvest();
  EXPECT_EQ(model.differing_pages(), Pages{});
  EXPECT_GT(copied, 0u);
}

// Pages come into being in one chunk after the other while harvests look for them there.
TEST_P(DirtyTrackerContract, NoWriteIsMissedWhileHolesFillUpAndHarvestsRun) {
  constexpr std::uint64_t kChunks = 24;
  constexpr std::uint64_t kChunkPages = 512;
  constexpr std::uint64_t kPagesOfEach = 6;
  constexpr unsigned kWriters = 3;
  for (unsigned round = 0; round < 30; ++round) {
    const TestGuest guest = make_guest(backing(), {kChunks * kChunkPages});
    const GuestMemory& memory = *guest.memory;
    write_page(memory, 5 * kChunkPages);
    auto tracker = make_armed(guest);
    std::atomic<unsigned> writing{kWriters};
    std::vector<std::thread> threads;
    for (unsigned seed = 0; seed < kWriters; ++seed) {
      threads.emplace_back([&, seed] {
        std::mt19937_64 random(round * kWriters + seed);
        for (std::uint64_t step = 0; step < 40 * kChunks; ++step) {
          // All writers move through the chunks together and meet in pages that are new.
          const std::uint64_t chunk = std::min(kChunks - 1, step / 40 + random() % 2);
          const PageIndex page = chunk * kChunkPages + random() % kPagesOfEach * 80;
          guest_word(memory, page, seed).fetch_add(1, std::memory_order_relaxed);
        }
        writing.fetch_sub(1);
      });
    }
    threads.emplace_back([&] {
      while (writing.load() > 0) peek_all(*tracker, memory);
    });
    std::map<PageIndex, std::array<std::uint64_t, kWriters>> copies;
    const auto read_words = [&](PageIndex page) {
      std::array<std::uint64_t, kWriters> words;
      for (unsigned i = 0; i < kWriters; ++i) words[i] = guest_word(memory, page, i).load();
      return words;
    };
    const auto copy_harvest = [&] {
      for (const PageIndex page : harvest_all(*tracker, memory)) copies[page] = read_words(page);
    };
    while (writing.load() > 0) copy_harvest();
    for (auto& thread : threads) thread.join();
    copy_harvest();
    ASSERT_TRUE(tracker->disarm().ok());
    for (const PageIndex page : testing::pages_of(testing::populated_pages(memory))) {
      const auto words = read_words(page);
      const auto copy = copies.find(page);
      const std::array<std::uint64_t, kWriters> at_arm = {page == 5 * kChunkPages ? 1u : 0u};
      EXPECT_EQ(copy == copies.end() ? at_arm : copy->second, words)
          << "page " << page << ", round " << round;
    }
  }
}

TEST_P(DirtyTrackerContract, AGuestOfSeveralGiBIsPeekedAtAsItIsHarvested) {
  constexpr std::uint64_t kPages = (std::uint64_t{3} << 30) / kPageBytes;
  const TestGuest guest = make_guest(backing(), {kPages / 2, kPages / 2});
  for (PageIndex page = 0; page < kPages; page += 700) write_page(*guest.memory, page);
  auto tracker = make_armed(guest);
  EXPECT_EQ(peek_all(*tracker, *guest.memory), Pages{});
  Pages written;
  for (PageIndex page = 3; page < kPages; page += 9'001) {
    write_page(*guest.memory, page);
    written.insert(page);
  }
  EXPECT_EQ(peek_all(*tracker, *guest.memory), written);
  EXPECT_EQ(harvest_all(*tracker, *guest.memory), written);
  EXPECT_EQ(peek_all(*tracker, *guest.memory), Pages{});
}

std::string parameter_name(const ::testing::TestParamInfo<std::tuple<TrackerKind, Backing>>& info) {
  std::string name;
  for (const char letter : tracker_name(std::get<0>(info.param))) {
    name += letter == '-' ? '_' : letter;
  }
  return name + (std::get<1>(info.param) == Backing::kShared ? "_shared" : "_private");
}

const auto every_tracker =
    ::testing::Values(TrackerKind::kUffdWpAsync, TrackerKind::kUffdWpSync, TrackerKind::kMprotect);

INSTANTIATE_TEST_SUITE_P(Every, DirtyTrackerContract,
                         ::testing::Combine(every_tracker,
                                            ::testing::Values(Backing::kShared, Backing::kPrivate)),
                         parameter_name);

INSTANTIATE_TEST_SUITE_P(Every, SharedMemoryTrackerContract,
                         ::testing::Combine(every_tracker, ::testing::Values(Backing::kShared)),
                         parameter_name);

}  // namespace
}  // namespace pageferry
