#include "wire/preamble.h"

#include <algorithm>
#include <cstring>

namespace pageferry {

wire::Preamble make_preamble(wire::Role role, std::uint32_t channel, const MigrationId& id) {
  return {.magic = wire::kMagic,
          .version = wire::kVersion,
          .role = role,
          .reserved = 0,
          .channel = channel,
          .migration_id = id};
}

wire::PreambleReply make_reply(wire::PreambleStatus status) {
  return {.magic = wire::kMagic, .version = wire::kVersion, .status = status, .reserved = 0};
}

PreambleVerdict judge_preamble(std::span<const std::byte> received) {
  const auto compared =
      std::span(wire::kMagic).first(std::min(received.size(), wire::kMagic.size()));
  if (!std::ranges::equal(std::as_bytes(compared), received.first(compared.size()))) {
    return PreambleRefused{"speaks another protocol"};
  }
  wire::Preamble preamble;
  if (received.size() < sizeof(preamble)) return PreambleIncomplete{};
  std::memcpy(&preamble, received.data(), sizeof(preamble));
  if (preamble.version != wire::kVersion) {
    return PreambleRefused{"speaks version " + std::to_string(preamble.version) +
                               " of the protocol, not " + std::to_string(wire::kVersion),
                           true};
  }
  const auto role = static_cast<std::uint8_t>(preamble.role);
  const bool numbered = preamble.role == wire::Role::kPage || preamble.channel == 0;
  if (role < 1 || role > 3 || preamble.reserved != 0 || !numbered) {
    return PreambleRefused{"sent a malformed preamble"};
  }
  return preamble;
}

Status judge_reply(const wire::PreambleReply& reply) {
  if (reply.magic != wire::kMagic) {
    return Status(StatusCode::kProtocol, "does not speak the pageferry protocol");
  }
  switch (reply.status) {
    case wire::PreambleStatus::kAccepted:
      if (reply.reserved == 0) return Status();
      return Status(StatusCode::kProtocol, "answered with a reserved field that is not zero");
    case wire::PreambleStatus::kVersionNotSupported:
      return Status(StatusCode::kUnsupported, "speaks version " + std::to_string(reply.version) +
                                                  " of the protocol, this side version " +
                                                  std::to_string(wire::kVersion));
    case wire::PreambleStatus::kUnknownMigration:
      return Status(StatusCode::kProtocol, "does not know this migration");
    case wire::PreambleStatus::kBusy:
      return Status(StatusCode::kBusy, "serves as many migrations as it may");
  }
  return Status(StatusCode::kProtocol, "answered with an unknown status");
}

}  // namespace pageferry
