#include "channel/greeting.h"

#include <cerrno>

namespace pageferry {

Status answer_preamble(Stream& stream, wire::PreambleStatus status) {
  const wire::PreambleReply reply = make_reply(status);
  return stream.send_all(&reply, sizeof(reply));
}

Status offer_preamble(Stream& stream, wire::Role role, std::uint32_t channel, const MigrationId& id,
                      std::chrono::milliseconds timeout) {
  const wire::Preamble preamble = make_preamble(role, channel, id);
  if (Status sent = stream.send_all(&preamble, sizeof(preamble)); !sent.ok()) return sent;
  wire::PreambleReply reply = {};
  Status received = stream.receive_all_within(&reply, sizeof(reply), timeout);
  if (received.code() == StatusCode::kPeerClosed || received.system_error() == ECONNRESET) {
    return Status(StatusCode::kProtocol, "closed the connection instead of answering the preamble");
  }
  if (received.code() == StatusCode::kTimedOut) {
    return Status(StatusCode::kTimedOut, "takes connections and does not answer them", EAGAIN);
  }
  return received.ok() ? judge_reply(reply) : received;
}

}  // namespace pageferry
