#include "channel/greeting.h"

#include <algorithm>
#include <cerrno>

namespace pageferry {

namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

}  // namespace

Status answer_preamble(Stream& stream, wire::PreambleStatus status) {
  const wire::PreambleReply reply = make_reply(status);
  return stream.send_all(&reply, sizeof(reply));
}

Result<std::uint64_t> offer_preamble(Stream& stream, wire::Role role, std::uint32_t channel,
                                     const MigrationId& id, milliseconds timeout) {
  const wire::Preamble preamble = make_preamble(role, channel, id);
  if (Status sent = stream.send_all(&preamble, sizeof(preamble)); !sent.ok()) return sent;
  wire::PreambleReply reply = {};
  const auto deadline = Clock::now() + timeout;
  // Another version's answer may have another length.
  Status received = stream.receive_all_within(&reply, wire::kReplyHeadBytes, timeout);
  if (received.ok()) {
    if (Status head = judge_reply_head(reply); !head.ok()) return head;
    auto* rest = reinterpret_cast<std::byte*>(&reply) + wire::kReplyHeadBytes;
    const auto left =
        std::max(milliseconds(1), std::chrono::ceil<milliseconds>(deadline - Clock::now()));
    received = stream.receive_all_within(rest, sizeof(reply) - wire::kReplyHeadBytes, left);
  }
  if (received.code() == StatusCode::kPeerClosed || received.system_error() == ECONNRESET) {
    return Status(StatusCode::kProtocol, "closed the connection instead of answering the preamble");
  }
  if (received.code() == StatusCode::kTimedOut) {
    return Status(StatusCode::kTimedOut, "takes connections and does not answer them", EAGAIN);
  }
  if (!received.ok()) return received;
  if (Status judged = judge_reply(reply); !judged.ok()) return judged;
  return reply.features & wire::kFeatures;
}

}  // namespace pageferry
