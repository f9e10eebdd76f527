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

// What an answer means to the source. kProtocol when the other side does not speak our protocol, kUnsupported
// when it speaks another version of it, kBusy when it takes no more migrations.
Status judge_reply(const wire::PreambleReply& reply);

}  // namespace pageferry
