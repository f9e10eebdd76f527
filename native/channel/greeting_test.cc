#include "channel/greeting.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <utility>

#include "net/stream_test_util.h"

namespace pageferry {
namespace {

using std::chrono::seconds;

constexpr MigrationId kId = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

TEST(OfferPreamble, EndsAsTheDestinationAnswers) {
  using wire::PreambleStatus;
  const std::pair<PreambleStatus, StatusCode> outcomes[] = {
      {PreambleStatus::kAccepted, StatusCode::kOk},
      // Of its own version: that is none of ours to refuse.
      {PreambleStatus::kVersionNotSupported, StatusCode::kProtocol},
      {PreambleStatus::kUnknownMigration, StatusCode::kProtocol},
      {PreambleStatus::kBusy, StatusCode::kBusy},
      {PreambleStatus::kNotResumable, StatusCode::kProtocol},
      {PreambleStatus::kIdInUse, StatusCode::kExists},
      {static_cast<PreambleStatus>(9), StatusCode::kProtocol}};
  for (const auto& [answer, expected] : outcomes) {
    auto pair = testing::connect_pair();
    ASSERT_TRUE(answer_preamble(pair.far, answer).ok());
    const Status status =
        offer_preamble(pair.near, wire::Role::kFault, 0, kId, seconds(60)).status();
    EXPECT_EQ(status.code(), expected) << status.message();
    wire::Preamble seen;
    ASSERT_TRUE(pair.far.receive_all(&seen, sizeof(seen)).ok());
    EXPECT_EQ(seen.role, wire::Role::kFault);
    EXPECT_EQ(seen.migration_id, kId);
  }
}

TEST(OfferPreamble, APeerThatIsNotOneOfUsIsAProtocolError) {
  auto speaks_first = testing::connect_pair();
  ASSERT_TRUE(testing::send_text(speaks_first.far, "220 smtp.example ESMTP ready\r\n").ok());
  EXPECT_EQ(
      offer_preamble(speaks_first.near, wire::Role::kControl, 0, kId, seconds(60)).status().code(),
      StatusCode::kProtocol);
  auto hangs_up = testing::connect_pair();
  ::shutdown(hangs_up.far.fd(), SHUT_WR);
  EXPECT_EQ(
      offer_preamble(hangs_up.near, wire::Role::kControl, 0, kId, seconds(60)).status().code(),
      StatusCode::kProtocol);
  auto reserved = testing::connect_pair();
  wire::PreambleReply reply = make_reply(wire::PreambleStatus::kAccepted);
  reply.reserved = 1;
  ASSERT_TRUE(reserved.far.send_all(&reply, sizeof(reply)).ok());
  EXPECT_EQ(
      offer_preamble(reserved.near, wire::Role::kControl, 0, kId, seconds(60)).status().code(),
      StatusCode::kProtocol);
  auto silent = testing::connect_pair();
  const Status unanswered =
      offer_preamble(silent.near, wire::Role::kControl, 0, kId, std::chrono::milliseconds(20))
          .status();
  EXPECT_EQ(unanswered.code(), StatusCode::kTimedOut);
  EXPECT_EQ(unanswered.system_error(), EAGAIN);
}

TEST(OfferPreamble, TellsTheFeaturesThatBothSidesHaveAndNoOther) {
  const std::pair<std::uint64_t, std::uint64_t> cases[] = {{0, 0}, {1, 1}, {2, 0}, {~0ull, 1}};
  for (const auto& [theirs, common] : cases) {
    auto pair = testing::connect_pair();
    wire::PreambleReply reply = make_reply(wire::PreambleStatus::kAccepted);
    reply.features = theirs;
    ASSERT_TRUE(pair.far.send_all(&reply, sizeof(reply)).ok());
    const auto offered = offer_preamble(pair.near, wire::Role::kControl, 0, kId, seconds(60));
    ASSERT_TRUE(offered.ok()) << offered.status().message();
    EXPECT_EQ(offered.value(), common);
  }
}

TEST(OfferPreamble, AnotherVersionIsToldByTheFirstBytesOfItsAnswer) {
  auto pair = testing::connect_pair();
  wire::PreambleReply reply = make_reply(wire::PreambleStatus::kVersionNotSupported);
  reply.version = 7;
  ASSERT_TRUE(pair.far.send_all(&reply, wire::kReplyHeadBytes).ok());
  const Status status =
      offer_preamble(pair.near, wire::Role::kControl, 0, kId, seconds(60)).status();
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_NE(status.message().find("version 7"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace pageferry
