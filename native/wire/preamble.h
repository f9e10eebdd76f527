// What either side says first on a connection (docs/protocol.md, 1.1), as bytes. It knows no stream.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>

#include "os/status.h"
#include "wire/records.h"

namespace pageferry {

using MigrationId = std::array<std::uint8_t, 16>;

wire::Preamble make_preamble(wire::Role role, std::uint32_t channel, const MigrationId& id);
wire::PreambleReply make_reply(wire::PreambleStatus status);

// More of it must come before it can be judged.
struct PreambleIncomplete {};
// It is not ours, for this reason. Whoever speaks another version is told which one this side speaks; anybody else
// learns nothing.
struct PreambleRefused {
  std::string reason;
  bool speaks_another_version = false;
};
using PreambleVerdict = std::variant<PreambleIncomplete, PreambleRefused, wire::Preamble>;

// Judges the bytes that have come so far, at most a preamble's: a peer that speaks another protocol is refused at its
// first wrong byte.
PreambleVerdict judge_preamble(std::span<const std::byte> received);

// Judges the first kReplyHeadBytes of an answer, which any version of the protocol begins with: kProtocol when the
// other side does not speak it, kUnsupported when it speaks another version of it.
Status judge_reply_head(const wire::PreambleReply& reply);

// What an answer means to the source. As judge_reply_head, kBusy when the other side takes no more migrations, kExists
// when it knows one of this id.
Status judge_reply(const wire::PreambleReply& reply);

}  // namespace pageferry
