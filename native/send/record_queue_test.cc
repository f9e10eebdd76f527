#include "send/record_queue.h"

#include <gtest/gtest.h>

#include <array>
#include <thread>
#include <vector>

#include "os/thread_test_util.h"
#include "wire/record_test_util.h"

namespace pageferry {
namespace {

using namespace testing;

// Of a record of one page that has no payload.
constexpr std::uint64_t kOneRecord = sizeof(wire::RecordHeader) + sizeof(wire::TableEntry);

RecordWriter record_of(PageIndex page) {
  RecordWriter record;
  record.add_zero(page, false);
  return record;
}

bool put(RecordQueue& queue, PageIndex page, std::uint64_t most_bytes) {
  RecordWriter record = record_of(page);
  return queue.put(record, most_bytes);
}

PageIndex page_of(RecordWriter& record) {
  const auto records = parse_records(bytes_of(record));
  return records.at(0).table.at(0).page;
}

std::vector<PageIndex> all_that_come(RecordQueue& queue) {
  std::vector<PageIndex> pages;
  while (auto record = queue.next()) {
    pages.push_back(page_of(*record));
    queue.give_back(std::move(*record));
  }
  return pages;
}

TEST(RecordQueue, RecordsComeInTheOrderInWhichTheyWerePut) {
  RecordQueue queue;
  queue.open();
  for (PageIndex page = 1; page <= 3; ++page) {
    RecordWriter record = record_of(page);
    EXPECT_TRUE(queue.put(record, 1 << 20));
    EXPECT_TRUE(record.empty());
    EXPECT_EQ(queue.bytes(), page * kOneRecord);
  }
  queue.close();
  EXPECT_EQ(all_that_come(queue), (std::vector<PageIndex>{1, 2, 3}));
  EXPECT_EQ(queue.bytes(), 0u);
}

TEST(RecordQueue, ARecordThatIsLongerThanTheQueueGoesInWhenNothingElseIsThere) {
  RecordQueue queue;
  queue.open();
  EXPECT_TRUE(put(queue, 1, 1));
  EXPECT_EQ(queue.bytes(), kOneRecord);
}

TEST(RecordQueue, WhoeverPutsWaitsForRoomAndForNoMoreThanThat) {
  RecordQueue queue;
  queue.open();
  EXPECT_TRUE(put(queue, 1, 2 * kOneRecord));
  EXPECT_TRUE(put(queue, 2, 2 * kOneRecord));
  bool taken = false;
  WatchedThread putting([&] { taken = put(queue, 3, 2 * kOneRecord); });
  putting.wait_until_asleep();
  EXPECT_FALSE(putting.done());
  EXPECT_EQ(queue.bytes(), 2 * kOneRecord);
  ASSERT_TRUE(queue.next().has_value());
  putting.join();
  EXPECT_TRUE(taken);
  queue.close();
  EXPECT_EQ(all_that_come(queue), (std::vector<PageIndex>{2, 3}));
}

TEST(RecordQueue, WhoeverTakesWaitsForARecordOrForTheEnd) {
  RecordQueue queue;
  queue.open();
  std::vector<PageIndex> come;
  WatchedThread taking([&] { come = all_that_come(queue); });
  taking.wait_until_asleep();
  EXPECT_FALSE(taking.done());
  EXPECT_TRUE(put(queue, 5, 1 << 20));
  taking.wait_until_asleep();
  EXPECT_FALSE(taking.done());
  queue.close();
  taking.join();
  EXPECT_EQ(come, std::vector<PageIndex>{5});
}

TEST(RecordQueue, BeforeItIsOpenedAndAfterItWasClosedNothingComes) {
  RecordQueue queue;
  EXPECT_FALSE(queue.next().has_value());
  for (PageIndex page = 1; page <= 2; ++page) {
    queue.open();
    EXPECT_TRUE(put(queue, page, 1 << 20));
    queue.close();
    EXPECT_EQ(all_that_come(queue), std::vector<PageIndex>{page});
    EXPECT_FALSE(queue.next().has_value());
  }
}

TEST(RecordQueue, CancellingEndsEveryWaitNowAndLater) {
  RecordQueue full;
  RecordQueue empty;
  full.open();
  empty.open();
  EXPECT_TRUE(put(full, 1, kOneRecord));
  bool taken = true;
  bool came = true;
  WatchedThread putting([&] { taken = put(full, 2, kOneRecord); });
  WatchedThread taking([&] { came = empty.next().has_value(); });
  putting.wait_until_asleep();
  taking.wait_until_asleep();
  full.cancel();
  empty.cancel();
  putting.join();
  taking.join();
  EXPECT_FALSE(taken);
  EXPECT_FALSE(came);
  EXPECT_FALSE(put(empty, 3, 1 << 20));
  EXPECT_FALSE(full.next().has_value()) << "a record that was there when it was cancelled";
}

TEST(RecordQueue, TheBuffersOfARecordThatWasSentAreUsedAgain) {
  RecordQueue queue;
  queue.open();
  RecordWriter record = record_of(1);
  const std::byte* buffer = record.room(1).data();
  EXPECT_TRUE(queue.put(record, 1 << 20));
  auto sent = queue.next();
  ASSERT_TRUE(sent.has_value());
  queue.give_back(std::move(*sent));
  record = record_of(2);
  EXPECT_TRUE(queue.put(record, 1 << 20));
  EXPECT_TRUE(record.empty());
  EXPECT_EQ(record.room(1).data(), buffer);
}

TEST(RecordQueue, FromSeveralEncodersEachRecordComesOnceAndThoseOfEachInOrder) {
  constexpr PageIndex kEncoders = 3;
  constexpr PageIndex kEach = 500;
  RecordQueue queue;
  queue.open();
  std::vector<std::thread> encoders;
  for (PageIndex encoder = 0; encoder < kEncoders; ++encoder) {
    encoders.emplace_back([&queue, encoder] {
      for (PageIndex i = 0; i < kEach; ++i) {
        EXPECT_TRUE(put(queue, i * kEncoders + encoder, 4 * kOneRecord));
      }
    });
  }
  std::vector<PageIndex> come;
  std::thread channel([&] { come = all_that_come(queue); });
  for (std::thread& encoder : encoders) encoder.join();
  queue.close();
  channel.join();
  std::array<PageIndex, kEncoders> next = {0, 1, 2};
  for (const PageIndex page : come) {
    EXPECT_EQ(page, next[page % kEncoders]);
    next[page % kEncoders] += kEncoders;
  }
  EXPECT_EQ(come.size(), kEncoders * kEach);
}

}  // namespace
}  // namespace pageferry
