// The two halves of the first exchange on a connection, over a stream (docs/protocol.md, 1.1).
//
// Thread contract: that of the stream.
#pragma once

#include <chrono>

#include "net/stream.h"
#include "os/status.h"
#include "wire/preamble.h"

namespace pageferry {

// Sends the destination's answer. Any status but kAccepted is followed by a close by the caller.
Status answer_preamble(Stream& stream, wire::PreambleStatus status);

// The source's half: sends the preamble and waits for the answer, which tells the features that both sides have. As
// judge_reply, and kProtocol when the other side closes instead of answering, kTimedOut with EAGAIN when it has
// connected and does not answer.
Result<std::uint64_t> offer_preamble(Stream& stream, wire::Role role, std::uint32_t channel,
                                     const MigrationId& id, std::chrono::milliseconds timeout);

}  // namespace pageferry
