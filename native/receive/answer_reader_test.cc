#include "receive/answer_reader.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <thread>

#include "codec/block_test_util.h"
#include "net/stream_test_util.h"
#include "region/guest_test_util.h"

namespace pageferry {
namespace {

using namespace testing;
using Bytes = std::vector<std::byte>;

void append(Bytes& stream, const void* data, std::size_t bytes) {
  const auto* at = static_cast<const std::byte*>(data);
  stream.insert(stream.end(), at, at + bytes);
}

Bytes answer(PageIndex page, bool zero) {
  const std::uint32_t payload = zero ? 0 : kPageBytes;
  const wire::RecordHeader header = {wire::RecordType::kPages, 1, payload, 0};
  const wire::TableEntry entry = {page, payload, 1, zero ? wire::kContentZero : wire::kContentRaw,
                                  0};
  Bytes stream;
  append(stream, &header, sizeof(header));
  append(stream, &entry, sizeof(entry));
  stream.resize(stream.size() + payload, static_cast<std::byte>(page));
  return stream;
}

Bytes text_page(std::uint32_t seed) {
  Random random(seed);
  return text(random, kPageBytes);
}

// An answer with this page as LZ4.
Bytes lz4_answer(PageIndex page, const Bytes& content) {
  Bytes encoded(kPageBytes);
  const auto length = make_block_encoder(Encoding::kLz4)->encode(content, {}, 1, encoded);
  EXPECT_TRUE(length.has_value());
  const auto payload = static_cast<std::uint32_t>(length.value_or(0));
  const wire::RecordHeader header = {wire::RecordType::kPages, 1, payload, 0};
  const wire::TableEntry entry = {page, payload, 1, wire::kContentLz4, 1};
  Bytes stream;
  append(stream, &header, sizeof(header));
  append(stream, &entry, sizeof(entry));
  append(stream, encoded.data(), payload);
  return stream;
}

class AnswerReaderTest : public ::testing::Test {
 protected:
  TestGuest guest_ = make_guest(Backing::kShared, {256});
  StreamPair pair_ = connect_pair();
  AnswerReader reader_{*guest_.memory, {wire::kContentLz4}};

  void send(const Bytes& bytes) {
    ASSERT_TRUE(pair_.near.send_all(bytes.data(), bytes.size()).ok());
  }

  void send_in_pieces(const Bytes& stream, std::mt19937& random) {
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t bytes = std::min<std::size_t>(stream.size() - at, 1 + random() % 9000);
      (void)pair_.near.send_all(stream.data() + at, bytes);
      at += bytes;
    }
  }

  // The next answer, read for as long as it is not complete.
  Result<AnswerReader::Answer> await_answer() {
    while (true) {
      const auto next = reader_.next();
      if (!next.ok()) return next.status();
      if (next.value().has_value()) return *next.value();
      if (Status received = reader_.receive(pair_.far); !received.ok()) return received;
    }
  }
};

TEST_F(AnswerReaderTest, GivesEachAnswerWholeHoweverTheBytesAreCut) {
  std::mt19937 random(1);
  Bytes stream;
  constexpr PageIndex kAnswers = 200;
  for (PageIndex page = 0; page < kAnswers; ++page) {
    const Bytes one = answer(page, page % 3 == 0);
    append(stream, one.data(), one.size());
  }
  std::thread sender([&] { send_in_pieces(stream, random); });
  for (PageIndex page = 0; page < kAnswers; ++page) {
    const auto got = await_answer();
    ASSERT_TRUE(got.ok()) << got.status().message();
    ASSERT_EQ(got.value().page, page);
    if (page % 3 == 0) {
      EXPECT_EQ(got.value().data, nullptr);
      continue;
    }
    const Bytes expected(kPageBytes, static_cast<std::byte>(page));
    EXPECT_EQ(std::memcmp(got.value().data, expected.data(), kPageBytes), 0) << page;
  }
  sender.join();
}

TEST_F(AnswerReaderTest, SkipsOptionalRecordsHoweverLongAndHoweverTheBytesAreCut) {
  std::mt19937 random(2);
  Bytes stream;
  for (PageIndex page = 0; page < 20; ++page) {
    const std::uint32_t payload =
        page % 4 == 0 ? 0 : static_cast<std::uint32_t>(random() % 200'000);
    const wire::RecordHeader skipped = {static_cast<wire::RecordType>(wire::kOptionalBit | page),
                                        static_cast<std::uint16_t>(page), payload, 7};
    append(stream, &skipped, sizeof(skipped));
    stream.resize(stream.size() + page * sizeof(wire::TableEntry) + payload, std::byte{0x66});
    const Bytes one = answer(page, page % 3 == 0);
    append(stream, one.data(), one.size());
  }
  std::thread sender([&] { send_in_pieces(stream, random); });
  for (PageIndex page = 0; page < 20; ++page) {
    const auto got = await_answer();
    EXPECT_TRUE(got.ok()) << got.status().message();
    if (!got.ok()) break;
    EXPECT_EQ(got.value().page, page);
  }
  pair_.far.shutdown();
  sender.join();
}

TEST_F(AnswerReaderTest, DoesNotWaitForWhatIsNotThere) {
  const auto nothing = reader_.next();
  ASSERT_TRUE(nothing.ok());
  EXPECT_FALSE(nothing.value().has_value());
  EXPECT_TRUE(reader_.receive(pair_.far).ok());
  EXPECT_FALSE(reader_.next().value().has_value());
}

TEST_F(AnswerReaderTest, RefusesWhatIsNotOnePageBeforeItsPayloadComes) {
  wire::RecordHeader two = {wire::RecordType::kPages, 2, 2 * kPageBytes, 0};
  send(Bytes(reinterpret_cast<std::byte*>(&two), reinterpret_cast<std::byte*>(&two + 1)));
  EXPECT_EQ(await_answer().status().code(), StatusCode::kProtocol);
}

TEST_F(AnswerReaderTest, DecodesAPageThatComesAsLz4) {
  for (std::uint32_t page = 0; page < 4; ++page) send(lz4_answer(page, text_page(page)));
  for (std::uint32_t page = 0; page < 4; ++page) {
    const auto got = await_answer();
    ASSERT_TRUE(got.ok()) << got.status().message();
    EXPECT_EQ(got.value().page, page);
    EXPECT_EQ(Bytes(got.value().data, got.value().data + kPageBytes), text_page(page));
  }
}

TEST_F(AnswerReaderTest, RefusesLz4WhereItWasNotAccepted) {
  AnswerReader reader(*guest_.memory, {wire::kContentZstd});
  send(lz4_answer(1, text_page(1)));
  while (true) {
    const auto next = reader.next();
    if (!next.ok()) {
      EXPECT_EQ(next.status().code(), StatusCode::kProtocol);
      break;
    }
    ASSERT_FALSE(next.value().has_value());
    ASSERT_TRUE(reader.receive(pair_.far).ok());
  }
}

TEST_F(AnswerReaderTest, NamesThePageWhoseLz4IsNone) {
  Bytes broken = lz4_answer(77, text_page(1));
  std::fill(broken.begin() + 32, broken.end(), std::byte{0xff});
  send(broken);
  const Status refused = await_answer().status();
  EXPECT_EQ(refused.code(), StatusCode::kProtocol);
  EXPECT_NE(refused.message().find("page 77"), std::string::npos) << refused.message();
}

TEST_F(AnswerReaderTest, RefusesAPageOutsideTheGuest) {
  Bytes outside = answer(256, false);
  outside.resize(32);
  send(outside);
  EXPECT_EQ(await_answer().status().code(), StatusCode::kProtocol);
}

TEST_F(AnswerReaderTest, SaysWhenThePeerHasClosed) {
  const Bytes half = answer(1, false);
  send(Bytes(half.begin(), half.begin() + 100));
  pair_.near.shutdown();
  EXPECT_EQ(await_answer().status().code(), StatusCode::kPeerClosed);
}

}  // namespace
}  // namespace pageferry
