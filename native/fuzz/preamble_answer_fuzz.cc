// A destination's answer to a preamble, as the source reads it from the connection.
#include "channel/greeting.h"
#include "fuzz/target.h"
#include "net/memory_stream_test_util.h"

namespace pageferry::fuzzing {

namespace {

StatusCode expected(Input input) {
  const auto reply = Choices(input).take<wire::PreambleReply>();
  if (input.size() < wire::kReplyHeadBytes) return StatusCode::kProtocol;
  if (reply.magic != wire::kMagic) return StatusCode::kProtocol;
  if (reply.version != wire::kVersion) return StatusCode::kUnsupported;
  if (input.size() < sizeof(reply)) return StatusCode::kProtocol;
  switch (reply.status) {
    case wire::PreambleStatus::kAccepted:
      return reply.reserved == 0 ? StatusCode::kOk : StatusCode::kProtocol;
    case wire::PreambleStatus::kBusy:
      return StatusCode::kBusy;
    case wire::PreambleStatus::kIdInUse:
      return StatusCode::kExists;
    default:
      return StatusCode::kProtocol;
  }
}

}  // namespace

void fuzz(Input input) {
  testing::MemoryStream stream(input, 1 + input.size() % 7);
  const MigrationId id = {1, 2, 3};
  const auto features =
      offer_preamble(stream, wire::Role::kControl, 0, id, std::chrono::seconds(60));
  require(features.status().code() == expected(input), "each answer means what the document says");
  require(!features.ok() || (features.value() & ~wire::kFeatures) == 0,
          "no feature is used that this side does not have");
  const auto asked = judge_preamble(stream.sent());
  require(std::holds_alternative<wire::Preamble>(asked), "a destination takes our own preamble");
  require(std::get<wire::Preamble>(asked).migration_id == id, "our preamble names the migration");
}

}  // namespace pageferry::fuzzing
