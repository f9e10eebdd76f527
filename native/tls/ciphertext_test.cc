#include "tls/ciphertext.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

namespace pageferry {
namespace {

std::vector<std::byte> record_of(std::size_t payload, std::uint8_t fill) {
  std::vector<std::byte> record(kRecordHeaderBytes + payload, std::byte{fill});
  record[0] = std::byte{23};
  record[1] = record[2] = std::byte{3};
  record[3] = static_cast<std::byte>(payload >> 8);
  record[4] = static_cast<std::byte>(payload & 0xff);
  return record;
}

void receive(CiphertextInbox& inbox, const std::byte* from, std::size_t bytes) {
  const auto room = inbox.room();
  ASSERT_GE(room.size(), bytes);
  std::memcpy(room.data(), from, bytes);
  inbox.received(bytes);
}

TEST(CiphertextInbox, GivesOutARecordOnlyOnceAllOfItHasCome) {
  CiphertextInbox inbox(kMaxRecordBytes);
  const auto record = record_of(300, 7);
  for (std::size_t at = 0; at < record.size(); ++at) {
    std::byte taken[8];
    EXPECT_FALSE(inbox.has_whole()) << at;
    EXPECT_EQ(inbox.take(taken, sizeof(taken)), 0u);
    receive(inbox, &record[at], 1);
  }
  EXPECT_TRUE(inbox.has_whole());
  std::vector<std::byte> taken(1000);
  ASSERT_EQ(inbox.take(taken.data(), taken.size()), record.size());
  EXPECT_EQ(std::memcmp(taken.data(), record.data(), record.size()), 0);
  EXPECT_FALSE(inbox.has_whole());
}

TEST(CiphertextInbox, RecordsOfAnySizeComeOutAsTheyCameInHoweverTheyWereCut) {
  std::mt19937 random(11);
  std::vector<std::byte> sent;
  for (int count = 0; count < 200; ++count) {
    const auto record = record_of(random() % 16641, static_cast<std::uint8_t>(random()));
    sent.insert(sent.end(), record.begin(), record.end());
  }
  CiphertextInbox inbox(kMaxRecordBytes);
  std::vector<std::byte> taken;
  for (std::size_t at = 0; at < sent.size();) {
    const auto room = inbox.room();
    ASSERT_FALSE(room.empty());
    const std::size_t more = std::min({room.size(), sent.size() - at, 1 + random() % 9000});
    receive(inbox, &sent[at], more);
    at += more;
    std::byte some[777];
    while (const std::size_t got = inbox.take(some, 1 + random() % sizeof(some))) {
      taken.insert(taken.end(), some, some + got);
    }
    if (at == sent.size() / 2) inbox.grow(2 * kMaxRecordBytes);
  }
  EXPECT_TRUE(taken == sent);
}

TEST(CiphertextInbox, ALengthThatNoRecordHasIsGivenOutAtOnce) {
  CiphertextInbox inbox(kMaxRecordBytes);
  const std::byte header[] = {std::byte{23}, std::byte{3}, std::byte{3}, std::byte{0xff},
                              std::byte{0xff}};
  receive(inbox, header, sizeof(header));
  EXPECT_TRUE(inbox.has_whole());
}

TEST(CiphertextInbox, KeepsWhatHasComeWhenItGrows) {
  CiphertextInbox inbox(kMaxRecordBytes);
  const auto first = record_of(100, 1);
  const auto second = record_of(200, 2);
  receive(inbox, first.data(), first.size());
  receive(inbox, second.data(), 150);
  std::vector<std::byte> taken(50);
  ASSERT_EQ(inbox.take(taken.data(), 50), 50u);
  inbox.grow(4 * kMaxRecordBytes);
  receive(inbox, second.data() + 150, second.size() - 150);
  taken.resize(1000);
  ASSERT_EQ(inbox.take(taken.data() + 50, 900), first.size() - 50 + second.size());
  EXPECT_EQ(std::memcmp(taken.data() + first.size(), second.data(), second.size()), 0);
}

TEST(CiphertextOutbox, TakesNoMoreThanItHasRoomForAndLosesNothing) {
  std::mt19937 random(12);
  CiphertextOutbox outbox(1000);
  std::vector<std::byte> put;
  std::vector<std::byte> sent;
  for (int turn = 0; turn < 2000; ++turn) {
    std::vector<std::byte> more(1 + random() % 700, static_cast<std::byte>(random()));
    const std::size_t room = outbox.room();
    const std::size_t taken = outbox.put(more.data(), more.size());
    ASSERT_EQ(taken, std::min(room, more.size()));
    put.insert(put.end(), more.begin(), more.begin() + static_cast<std::ptrdiff_t>(taken));
    const auto held = outbox.held();
    const std::size_t out = held.empty() ? 0 : random() % (held.size() + 1);
    sent.insert(sent.end(), held.begin(), held.begin() + static_cast<std::ptrdiff_t>(out));
    outbox.sent(out);
    if (turn == 1000) outbox.grow(3000);
  }
  const auto rest = outbox.held();
  sent.insert(sent.end(), rest.begin(), rest.end());
  EXPECT_GT(sent.size(), 100'000u);
  EXPECT_TRUE(sent == put);
}

}  // namespace
}  // namespace pageferry
