#include "region/arriving_memory.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "os/thread_test_util.h"
#include "region/guest_test_util.h"

namespace pageferry {
namespace {

using namespace testing;

// The engine puts one version of a page where the guest does not see it yet.
std::vector<std::byte> page_bytes(PageIndex page, std::uint64_t version) {
  std::vector<std::uint64_t> words(kWordsPerPage);
  for (std::uint64_t i = 0; i < kWordsPerPage; ++i) words[i] = word_of(page, version, i);
  std::vector<std::byte> bytes(kPageBytes);
  std::memcpy(bytes.data(), words.data(), kPageBytes);
  return bytes;
}

struct Arrival {
  explicit Arrival(Backing backing, const std::vector<std::uint64_t>& regions = {40, 24})
      : guest(make_guest(backing, regions)),
        memory(std::make_unique<ArrivingMemory>(guest.memory)) {}

  // True when the page was written: no other copy had come before.
  bool store(PageIndex page, std::uint64_t version) {
    const auto bytes = page_bytes(page, version);
    const auto stored =
        version == 0 ? memory->store_zero({page, 1}) : memory->store({page, 1}, bytes.data());
    EXPECT_TRUE(stored.ok()) << stored.status().message();
    return stored.ok() && stored.value() == 1;
  }
  void serve() {
    const Status status = memory->start_serving([this] { ++completed; });
    ASSERT_TRUE(status.ok()) << status.message();
  }

  TestGuest guest;
  std::unique_ptr<ArrivingMemory> memory;
  std::atomic<int> completed{0};
};

class ArrivingMemoryOf : public ::testing::TestWithParam<Backing> {
 protected:
  void SetUp() override {
    if (const auto why = why_no_post_copy(GetParam()); !why.empty()) GTEST_SKIP() << why;
  }
};

TEST_P(ArrivingMemoryOf, WhileCopyingPagesMayComeAnyNumberOfTimes) {
  Arrival arrival(GetParam());
  for (const std::uint64_t version : {1, 2, 3}) {
    EXPECT_TRUE(arrival.store(5, version));
    EXPECT_TRUE(holds(*arrival.guest.memory, 5, version));
  }
  const auto zeros = arrival.memory->store_zero({4, 3});
  ASSERT_TRUE(zeros.ok());
  EXPECT_EQ(zeros.value(), 3u);
  EXPECT_TRUE(holds(*arrival.guest.memory, 5, 0));
  EXPECT_EQ(pages_of(populated_pages(*arrival.guest.memory)), Pages{5});
}

TEST_P(ArrivingMemoryOf, OfThreadsThatBringTheSameMissingPagesOneWritesEach) {
  constexpr std::uint64_t kPages = 600;
  constexpr PageRange kMissing = {10, 560};
  Arrival arrival(GetParam(), {kPages});
  ASSERT_TRUE(arrival.memory->mark_missing(kMissing).ok());
  ASSERT_NO_FATAL_FAILURE(arrival.serve());
  std::atomic<std::uint64_t> written{0};
  std::vector<std::thread> threads;
  for (std::uint64_t version = 1; version <= 4; ++version) {
    threads.emplace_back([&, version] {
      std::vector<std::byte> bytes;
      for (PageIndex page = 0; page < kPages; ++page) {
        const auto one = page_bytes(page, version);
        bytes.insert(bytes.end(), one.begin(), one.end());
      }
      const auto stored = arrival.memory->store({0, kPages}, bytes.data());
      EXPECT_TRUE(stored.ok()) << stored.status().message();
      written += stored.value();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(written.load(), kMissing.count);
  EXPECT_EQ(arrival.completed.load(), 1);
  const GuestMemory& guest = *arrival.guest.memory;
  for (PageIndex page = kMissing.first; page < kMissing.end(); ++page) {
    const bool one_of_them = holds(guest, page, 1) || holds(guest, page, 2) ||
                             holds(guest, page, 3) || holds(guest, page, 4);
    EXPECT_TRUE(one_of_them) << page;
  }
  // The others were never missing and are not overwritten.
  ASSERT_TRUE(arrival.memory->complete().ok());
  for (const PageIndex page : {0ul, 9ul, 570ul, 599ul}) EXPECT_TRUE(holds(guest, page, 0)) << page;
}

TEST_P(ArrivingMemoryOf, TheOwnerIsToldOnceWhenTheLastMissingPageIsPublished) {
  Arrival arrival(GetParam());
  ASSERT_TRUE(arrival.memory->mark_missing({38, 4}).ok());  // over the border of two regions
  ASSERT_NO_FATAL_FAILURE(arrival.serve());
  for (const PageIndex page : {41, 38}) ASSERT_TRUE(arrival.store(page, 1));
  ASSERT_TRUE(arrival.store(39, 0));
  EXPECT_EQ(arrival.memory->pages_missing(), 1u);
  EXPECT_EQ(arrival.completed.load(), 0);
  ASSERT_TRUE(arrival.store(40, 1));
  EXPECT_EQ(arrival.completed.load(), 1);
  EXPECT_EQ(arrival.memory->pages_missing(), 0u);
}

TEST_P(ArrivingMemoryOf, WithNothingMissingServingIsCompleteAtOnce) {
  Arrival arrival(GetParam());
  arrival.store(3, 1);
  ASSERT_NO_FATAL_FAILURE(arrival.serve());
  EXPECT_EQ(arrival.completed.load(), 1);
  ASSERT_TRUE(arrival.memory->complete().ok());
  EXPECT_TRUE(holds(*arrival.guest.memory, 3, 1));
  EXPECT_TRUE(holds(*arrival.guest.memory, 63, 0));
  EXPECT_EQ(arrival.completed.load(), 1);
}

TEST_P(ArrivingMemoryOf, OnceCompleteNothingIsWrittenAndNothingWaits) {
  Arrival arrival(GetParam());
  ASSERT_TRUE(arrival.memory->mark_missing({0, 2}).ok());
  ASSERT_NO_FATAL_FAILURE(arrival.serve());
  for (const PageIndex page : {0, 1}) ASSERT_TRUE(arrival.store(page, 1));
  ASSERT_TRUE(arrival.memory->complete().ok());
  ASSERT_TRUE(arrival.memory->complete().ok());
  for (PageIndex page = 0; page < 64; ++page) EXPECT_FALSE(arrival.store(page, page % 2));
  EXPECT_TRUE(holds(*arrival.guest.memory, 1, 1));
  EXPECT_TRUE(holds(*arrival.guest.memory, 50, 0));
  EXPECT_TRUE(holds(*arrival.guest.memory, 51, 0));
}

TEST_P(ArrivingMemoryOf, CompleteWithoutServingDiscardsWhatStillComes) {
  Arrival arrival(GetParam());
  arrival.store(1, 1);
  ASSERT_TRUE(arrival.memory->complete().ok());
  EXPECT_FALSE(arrival.store(1, 2));
  EXPECT_TRUE(holds(*arrival.guest.memory, 1, 1));
}

TEST_P(ArrivingMemoryOf, WithPagesMissingItIsNotCompleteWithoutServing) {
  Arrival arrival(GetParam());
  arrival.store(5, 1);
  ASSERT_TRUE(arrival.memory->mark_missing({5, 1}).ok());
  EXPECT_EQ(arrival.memory->complete().code(), StatusCode::kProtocol);
  EXPECT_TRUE(arrival.store(6, 1)) << "copying has ended";
}

TEST_P(ArrivingMemoryOf, AStaleCopyOfAMissingPageIsNeverSeen) {
  Arrival arrival(GetParam());
  const GuestMemory& guest = *arrival.guest.memory;
  for (PageIndex page = 0; page < 64; ++page) arrival.store(page, 1);
  // Something looked at the guest's memory before it was served, as a loader of its state may.
  for (PageIndex page = 0; page < 64; ++page) ASSERT_TRUE(holds(guest, page, 1));
  ASSERT_TRUE(arrival.memory->mark_missing({10, 1}).ok());
  ASSERT_TRUE(arrival.memory->mark_missing({50, 1}).ok());
  ASSERT_NO_FATAL_FAILURE(arrival.serve());
  std::uint64_t seen = 0;
  WatchedThread toucher([&] { seen = read_page(guest, 10) + read_page(guest, 50); });
  toucher.wait_until_asleep();
  EXPECT_FALSE(toucher.done());
  ASSERT_TRUE(arrival.store(10, 2));
  ASSERT_TRUE(arrival.store(50, 0));
  while (!toucher.done()) {
    // Nobody had said that a thread waits for page 50, which is zero: it faults again and is given zeros.
    std::array<FaultEvent, 4> events;
    const auto read = arrival.memory->userfaultfd().read_events(events);
    ASSERT_TRUE(read.ok());
    for (std::size_t i = 0; i < read.value(); ++i) {
      const PageIndex page = guest.page_at(events[i].address);
      if (arrival.memory->missing(page)) continue;
      ASSERT_TRUE(arrival.memory->map(page, events[i].kind).ok());
    }
  }
  toucher.join();
  EXPECT_EQ(seen, word_of(10, 2, 0));
  EXPECT_TRUE(holds(guest, 10, 2));
  EXPECT_TRUE(holds(guest, 50, 0));
}

TEST_P(ArrivingMemoryOf, AFaultThatIsMappedAfterCompletionIsNoError) {
  Arrival arrival(GetParam());
  arrival.store(1, 1);
  ASSERT_NO_FATAL_FAILURE(arrival.serve());
  ASSERT_TRUE(arrival.memory->complete().ok());
  EXPECT_TRUE(arrival.memory->map(1, FaultKind::kMinor).ok());
  EXPECT_TRUE(arrival.memory->map(2, FaultKind::kMissing).ok());
}

TEST_P(ArrivingMemoryOf, ThreadsThatFaultWhileItCompletesGoOn) {
  for (std::uint64_t round = 1; round <= 300; ++round) {
    Arrival arrival(GetParam());
    arrival.store(round % 64, round);
    ASSERT_NO_FATAL_FAILURE(arrival.serve());
    std::atomic<int> running{0};
    std::vector<std::thread> guest;
    for (int i = 0; i < 3; ++i) {
      guest.emplace_back([&] {
        ++running;
        for (PageIndex page = 0; page < 64; ++page) read_page(*arrival.guest.memory, page);
      });
    }
    // Nobody serves their faults: only complete() lets them go on.
    wait_until([&] { return running.load() >= 1 + static_cast<int>(round % 3); });
    ASSERT_TRUE(arrival.memory->complete().ok());
    for (std::thread& thread : guest) thread.join();
    EXPECT_TRUE(holds(*arrival.guest.memory, round % 64, round));
  }
}

TEST_P(ArrivingMemoryOf, NothingBecomesMissingOnceServed) {
  Arrival arrival(GetParam());
  ASSERT_NO_FATAL_FAILURE(arrival.serve());
  EXPECT_EQ(arrival.memory->mark_missing({0, 1}).code(), StatusCode::kProtocol);
  ASSERT_TRUE(arrival.memory->complete().ok());
  EXPECT_EQ(arrival.memory->mark_missing({0, 1}).code(), StatusCode::kProtocol);
}

TEST_P(ArrivingMemoryOf, CopyingDoesNotEndInTheMiddleOfARecord) {
  Arrival arrival(GetParam());
  {
    const ArrivingMemory::ApplicationGuard record(*arrival.memory);
    EXPECT_TRUE(record.in_place());
    EXPECT_EQ(arrival.memory->start_serving([] {}).code(), StatusCode::kProtocol);
    EXPECT_EQ(arrival.memory->complete().code(), StatusCode::kProtocol);
    EXPECT_TRUE(arrival.store(0, 1));
  }
  ASSERT_NO_FATAL_FAILURE(arrival.serve());
  // The push may well be under way when the last page has come.
  const ArrivingMemory::ApplicationGuard duplicate(*arrival.memory);
  EXPECT_FALSE(duplicate.in_place());
  EXPECT_TRUE(arrival.memory->complete().ok());
}

TEST_P(ArrivingMemoryOf, MemoryThatIsServedAlreadyIsRefusedAndStaysServed) {
  Arrival arrival(GetParam());
  ASSERT_TRUE(arrival.memory->mark_missing({0, 1}).ok());
  ASSERT_NO_FATAL_FAILURE(arrival.serve());
  ArrivingMemory second(arrival.guest.memory);
  EXPECT_FALSE(second.start_serving([] {}).ok());
}

TEST_P(ArrivingMemoryOf, MemoryThatTheAgentMayTouchIsNeverServedAndStaysAsItIs) {
  const TestGuest guest = make_guest(GetParam(), {4});
  ArrivingMemory arriving(guest.memory);
  ASSERT_TRUE(arriving.mark_missing({0, 4}).ok());
  ASSERT_TRUE(guest.memory->open_to_agent().ok());
  EXPECT_EQ(arriving.start_serving([] {}).code(), StatusCode::kUnsupported);
  EXPECT_TRUE(ArrivingMemory::ApplicationGuard(arriving).in_place());
  EXPECT_EQ(read_page(*guest.memory, 2), 0u);  // Would wait for ever if it were registered.
}

TEST_P(ArrivingMemoryOf, MapArrivedMapsWhatCameBeforeAndNothingElse) {
  Arrival arrival(GetParam(), {1000, 1000});
  const GuestMemory& guest = *arrival.guest.memory;
  const auto arrived = random_pages(2000, 2, 7);
  const auto missing = random_pages(2000, 3, 8);
  for_each_page(arrived, [&](PageIndex page) { arrival.store(page, 1); });
  for_each_page(missing, [&](PageIndex page) {
    EXPECT_TRUE(arrival.memory->mark_missing({page, 1}).ok());
  });
  ASSERT_NO_FATAL_FAILURE(arrival.serve());
  const std::atomic<bool> cancelled{false};
  ASSERT_TRUE(arrival.memory->map_arrived(cancelled).ok());
  // Nobody serves faults here: a page that is not mapped would hang.
  for_each_page(arrived, [&](PageIndex page) {
    EXPECT_TRUE(missing.test(page) || holds(guest, page, 1)) << page;
  });
}

TEST_P(ArrivingMemoryOf, AFaultIsTimedOnceUntilItsPageIsThere) {
  using std::chrono::seconds;
  Arrival arrival(GetParam());
  ASSERT_TRUE(arrival.memory->mark_missing({0, 8}).ok());
  ASSERT_NO_FATAL_FAILURE(arrival.serve());
  const LatencyHistogram& latency = arrival.memory->fault_latency();
  const auto now = WaitingFaults::Clock::now();
  arrival.memory->open_fault(2, now - seconds(1000));
  arrival.memory->open_fault(3, now - seconds(2000));
  ASSERT_TRUE(arrival.store(1, 1));
  EXPECT_EQ(latency.count(), 0u) << "nobody waits for page 1";
  ASSERT_TRUE(arrival.store(2, 1));
  EXPECT_EQ(latency.count(), 1u);
  ASSERT_TRUE(arrival.store(3, 0));
  EXPECT_EQ(latency.count(), 2u);
  EXPECT_FALSE(arrival.store(2, 2)) << "a duplicate";
  EXPECT_FALSE(arrival.store(3, 2)) << "a duplicate";
  EXPECT_EQ(latency.count(), 2u) << "a duplicate was timed";
  EXPECT_GE(latency.percentile(0.5), 1'000'000'000'000u);
  EXPECT_LT(latency.percentile(0.5), 2'000'000'000'000u);
  EXPECT_GE(latency.max(), 2'000'000'000'000u);
}

TEST_P(ArrivingMemoryOf, EachFaultIsTimedOnceHoweverItRacesWithItsPage) {
  constexpr std::uint64_t kPages = 4096;
  Arrival arrival(GetParam(), {kPages});
  ASSERT_TRUE(arrival.memory->mark_missing({0, kPages}).ok());
  ASSERT_NO_FATAL_FAILURE(arrival.serve());
  std::atomic<PageIndex> faulting{0};
  std::thread publisher([&] {
    const auto bytes = page_bytes(0, 1);
    for (PageIndex page = 0; page < kPages; ++page) {
      // Neck and neck with the other.
      while (faulting.load() + 1 < page) std::this_thread::yield();
      const auto stored = page % 3 == 0 ? arrival.memory->store_zero({page, 1})
                                        : arrival.memory->store({page, 1}, bytes.data());
      EXPECT_TRUE(stored.ok()) << stored.status().message();
    }
  });
  // As the fault handler does.
  for (PageIndex page = 0; page < kPages; ++page) {
    faulting.store(page);
    arrival.memory->open_fault(page, WaitingFaults::Clock::now());
    if (arrival.memory->missing(page)) continue;
    EXPECT_TRUE(arrival.memory->map(page, FaultKind::kMissing).ok());
  }
  faulting.store(kPages);
  publisher.join();
  EXPECT_EQ(arrival.memory->fault_latency().count(), kPages);
}

TEST_P(ArrivingMemoryOf, AThreadThatWaitsForAZeroPageFaultsOnce) {
  Arrival arrival(GetParam());
  const GuestMemory& guest = *arrival.guest.memory;
  arrival.store(7, 1);  // An old copy, which a hole like page 8 does not have.
  ASSERT_TRUE(arrival.memory->mark_missing({7, 2}).ok());
  ASSERT_NO_FATAL_FAILURE(arrival.serve());
  for (const PageIndex page : {7, 8}) {
    std::uint64_t seen = 1;
    WatchedThread toucher([&] { seen = read_page(guest, page); });
    std::array<FaultEvent, 1> events;
    wait_until([&] { return arrival.memory->userfaultfd().read_events(events).value() == 1; });
    ASSERT_EQ(guest.page_at(events[0].address), page);
    arrival.memory->open_fault(page, WaitingFaults::Clock::now());
    ASSERT_TRUE(arrival.store(page, 0));
    toucher.join();  // Nobody serves a second fault.
    EXPECT_EQ(seen, 0u);
    EXPECT_TRUE(holds(guest, page, 0));
  }
}

TEST(ArrivingMemoryPopulatedAhead, ShowsNoMissingPageAndFaultsOnceForAZeroOne) {
  if (const auto why = why_no_post_copy(Backing::kShared); !why.empty()) GTEST_SKIP() << why;
  Arrival arrival(Backing::kShared, {1024});
  const GuestMemory& guest = *arrival.guest.memory;
  std::atomic<int> done{0};
  arrival.memory->populate_ahead({{0, 1024}}, [&] { ++done; });
  wait_until([&] { return done.load() == 1; });
  EXPECT_EQ(guest.allocated_bytes().value(), guest.bytes());
  arrival.store(3, 1);
  ASSERT_TRUE(arrival.memory->mark_missing({7, 2}).ok());
  ASSERT_NO_FATAL_FAILURE(arrival.serve());
  for (const PageIndex page : {7, 8}) {
    const std::uint64_t value = page == 7 ? 0 : 5;
    std::uint64_t seen = 1;
    WatchedThread toucher([&] { seen = read_page(guest, page); });
    std::array<FaultEvent, 1> events;
    wait_until([&] { return arrival.memory->userfaultfd().read_events(events).value() == 1; });
    ASSERT_EQ(guest.page_at(events[0].address), page);
    arrival.memory->open_fault(page, WaitingFaults::Clock::now());
    ASSERT_TRUE(arrival.store(page, value));
    toucher.join();  // Nobody serves a second fault.
    EXPECT_TRUE(holds(guest, page, value));
  }
  const std::atomic<bool> cancelled{false};
  ASSERT_TRUE(arrival.memory->map_arrived(cancelled).ok());
  EXPECT_TRUE(holds(guest, 3, 1));
  EXPECT_EQ(read_page(guest, 1000), 0u);  // Nothing ever came for it.
  EXPECT_EQ(done.load(), 1);
}

INSTANTIATE_TEST_SUITE_P(Backings, ArrivingMemoryOf,
                         ::testing::Values(Backing::kShared, Backing::kPrivate),
                         [](const auto& backing) {
                           return backing.param == Backing::kShared ? "Shared" : "Private";
                         });

}  // namespace
}  // namespace pageferry
