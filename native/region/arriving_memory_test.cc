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

  void publish(PageIndex page, std::uint64_t version) {
    const auto bytes = page_bytes(page, version);
    const Status status = memory->publish({page, 1}, bytes.data());
    EXPECT_TRUE(status.ok()) << status.message();
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
    EXPECT_TRUE(arrival.memory->claim(5));
    arrival.publish(5, version);
    EXPECT_TRUE(holds(*arrival.guest.memory, 5, version));
  }
  ASSERT_TRUE(arrival.memory->publish_zero({4, 3}).ok());
  EXPECT_TRUE(holds(*arrival.guest.memory, 5, 0));
  EXPECT_EQ(pages_of(populated_pages(*arrival.guest.memory)), Pages{5});
}

TEST_P(ArrivingMemoryOf, ServingLetsExactlyOneWriterClaimAMissingPage) {
  Arrival arrival(GetParam());
  ASSERT_TRUE(arrival.memory->mark_missing({10, 20}).ok());
  ASSERT_NO_FATAL_FAILURE(arrival.serve());
  EXPECT_FALSE(arrival.memory->claim(9));
  EXPECT_FALSE(arrival.memory->claim(30));
  std::atomic<int> claims{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (PageIndex page = 10; page < 30; ++page) claims += arrival.memory->claim(page);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(claims.load(), 20);
}

TEST_P(ArrivingMemoryOf, TheOwnerIsToldOnceWhenTheLastMissingPageIsPublished) {
  Arrival arrival(GetParam());
  ASSERT_TRUE(arrival.memory->mark_missing({38, 4}).ok());  // over the border of two regions
  ASSERT_NO_FATAL_FAILURE(arrival.serve());
  for (const PageIndex page : {41, 38}) {
    ASSERT_TRUE(arrival.memory->claim(page));
    arrival.publish(page, 1);
  }
  ASSERT_TRUE(arrival.memory->claim(39));
  ASSERT_TRUE(arrival.memory->publish_zero({39, 1}).ok());
  EXPECT_EQ(arrival.memory->pages_missing(), 1u);
  EXPECT_EQ(arrival.completed.load(), 0);
  ASSERT_TRUE(arrival.memory->claim(40));
  arrival.publish(40, 1);
  EXPECT_EQ(arrival.completed.load(), 1);
  EXPECT_EQ(arrival.memory->pages_missing(), 0u);
}

TEST_P(ArrivingMemoryOf, WithNothingMissingServingIsCompleteAtOnce) {
  Arrival arrival(GetParam());
  arrival.publish(3, 1);
  ASSERT_NO_FATAL_FAILURE(arrival.serve());
  EXPECT_EQ(arrival.completed.load(), 1);
  ASSERT_TRUE(arrival.memory->complete().ok());
  EXPECT_TRUE(holds(*arrival.guest.memory, 3, 1));
  EXPECT_TRUE(holds(*arrival.guest.memory, 63, 0));
  EXPECT_EQ(arrival.completed.load(), 1);
}

TEST_P(ArrivingMemoryOf, OnceCompleteNothingIsClaimedAndNothingWaits) {
  Arrival arrival(GetParam());
  ASSERT_TRUE(arrival.memory->mark_missing({0, 2}).ok());
  ASSERT_NO_FATAL_FAILURE(arrival.serve());
  for (const PageIndex page : {0, 1}) {
    ASSERT_TRUE(arrival.memory->claim(page));
    arrival.publish(page, 1);
  }
  ASSERT_TRUE(arrival.memory->complete().ok());
  ASSERT_TRUE(arrival.memory->complete().ok());
  for (PageIndex page = 0; page < 64; ++page) EXPECT_FALSE(arrival.memory->claim(page));
  EXPECT_TRUE(holds(*arrival.guest.memory, 50, 0));
}

TEST_P(ArrivingMemoryOf, CompleteWithoutServingDiscardsWhatStillComes) {
  Arrival arrival(GetParam());
  arrival.publish(1, 1);
  ASSERT_TRUE(arrival.memory->complete().ok());
  EXPECT_FALSE(arrival.memory->claim(1));
  EXPECT_TRUE(holds(*arrival.guest.memory, 1, 1));
}

TEST_P(ArrivingMemoryOf, AStaleCopyOfAMissingPageIsNeverSeen) {
  Arrival arrival(GetParam());
  const GuestMemory& guest = *arrival.guest.memory;
  for (PageIndex page = 0; page < 64; ++page) arrival.publish(page, 1);
  // Something looked at the guest's memory before it was served, as a loader of its state may.
  for (PageIndex page = 0; page < 64; ++page) ASSERT_TRUE(holds(guest, page, 1));
  ASSERT_TRUE(arrival.memory->mark_missing({10, 1}).ok());
  ASSERT_TRUE(arrival.memory->mark_missing({50, 1}).ok());
  ASSERT_NO_FATAL_FAILURE(arrival.serve());
  std::uint64_t seen = 0;
  WatchedThread toucher([&] { seen = read_page(guest, 10) + read_page(guest, 50); });
  toucher.wait_until_asleep();
  EXPECT_FALSE(toucher.done());
  ASSERT_TRUE(arrival.memory->claim(10));
  arrival.publish(10, 2);
  ASSERT_TRUE(arrival.memory->claim(50));
  ASSERT_TRUE(arrival.memory->publish_zero({50, 1}).ok());
  while (!toucher.done()) {
    // Page 50 holds nothing any more: who waited for it faults again and is given zeros.
    std::array<FaultEvent, 4> events;
    const auto read = arrival.memory->userfaultfd().read_events(events);
    ASSERT_TRUE(read.ok());
    for (std::size_t i = 0; i < read.value(); ++i) {
      const PageIndex page = guest.page_at(events[i].address);
      if (!arrival.memory->published(page)) continue;
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
  arrival.publish(1, 1);
  ASSERT_NO_FATAL_FAILURE(arrival.serve());
  ASSERT_TRUE(arrival.memory->complete().ok());
  EXPECT_TRUE(arrival.memory->map(1, FaultKind::kMinor).ok());
  EXPECT_TRUE(arrival.memory->map(2, FaultKind::kMissing).ok());
}

TEST_P(ArrivingMemoryOf, ThreadsThatFaultWhileItCompletesGoOn) {
  for (std::uint64_t round = 1; round <= 300; ++round) {
    Arrival arrival(GetParam());
    arrival.publish(round % 64, round);
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

TEST_P(ArrivingMemoryOf, WithoutServingItIsNotCompleteWhilePagesAreMissing) {
  Arrival arrival(GetParam());
  arrival.publish(0, 1);
  ASSERT_TRUE(arrival.memory->mark_missing({0, 2}).ok());
  const Status complete = arrival.memory->complete();
  EXPECT_EQ(complete.code(), StatusCode::kProtocol);
  EXPECT_NE(complete.message().find("2 pages"), std::string::npos) << complete.message();
  ASSERT_NO_FATAL_FAILURE(arrival.serve());
}

TEST_P(ArrivingMemoryOf, CopyingDoesNotEndInTheMiddleOfARecord) {
  Arrival arrival(GetParam());
  {
    const ArrivingMemory::Record record(*arrival.memory);
    EXPECT_EQ(arrival.memory->start_serving([] {}).code(), StatusCode::kProtocol);
    EXPECT_EQ(arrival.memory->complete().code(), StatusCode::kProtocol);
    EXPECT_TRUE(arrival.memory->claim(0));
  }
  ASSERT_NO_FATAL_FAILURE(arrival.serve());
  // The push may well be under way when the last page has come.
  const ArrivingMemory::Record duplicate(*arrival.memory);
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
  EXPECT_FALSE(arriving.serving());
  EXPECT_EQ(read_page(*guest.memory, 2), 0u);  // Would wait for ever if it were registered.
  EXPECT_TRUE(arriving.complete().ok());
}

TEST_P(ArrivingMemoryOf, MapArrivedMapsWhatCameBeforeAndNothingElse) {
  Arrival arrival(GetParam(), {1000, 1000});
  const GuestMemory& guest = *arrival.guest.memory;
  const auto arrived = random_pages(2000, 2, 7);
  const auto missing = random_pages(2000, 3, 8);
  for_each_page(arrived, [&](PageIndex page) { arrival.publish(page, 1); });
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

INSTANTIATE_TEST_SUITE_P(Backings, ArrivingMemoryOf,
                         ::testing::Values(Backing::kShared, Backing::kPrivate),
                         [](const auto& backing) {
                           return backing.param == Backing::kShared ? "Shared" : "Private";
                         });

}  // namespace
}  // namespace pageferry
