#include "wire/preamble.h"

#include <algorithm>
#include <cstring>

namespace pageferry {

wire::Preamble make_preamble(wire::Role role, std::uint32_t channel, const MigrationId& id) {
  return {.magic = wire::kMagic,
          .version = wire::kVersion,
          .role = role,
          .flags = 0,
          .channel = channel,
          .migration_id = id,
          .features = wire::kFeatures};
}

wire::PreambleReply make_reply(wire::PreambleStatus status) {
  return {.magic = wire::kMagic,
          .version = wire::kVersion,
          .status = status,
          .reserved = 0,
          .features = wire::kFeatures};
}

PreambleVerdict judge_preamble(std::span<const std::byte> received) {
  const auto compared =
      std::span(wire::kMagic).first(std::min(received.size(), wire::kMagic.size()));
  if (!std::ranges::equal(std::as_bytes(compared), received.first(compared.size()))) {
    return PreambleRefused{"speaks another protocol"};
  }
  wire::Preamble preamble = {};
  if (received.size() < wire::kPreambleHeadBytes) return PreambleIncomplete{};
  std::memcpy(&preamble, received.data(), std::min(received.size(), sizeof(preamble)));
  if (preamble.version != wire::kVersion) {
    return PreambleRefused{"speaks version " + std::to_string(preamble.version) +
                               " of the protocol, not " + std::to_string(wire::kVersion),
                           true};
  }
  if (received.size() < sizeof(preamble)) return PreambleIncomplete{};
  const auto role = static_cast<std::uint8_t>(preamble.role);
  const bool numbered = preamble.role == wire::Role::kPage || preamble.channel == 0;
  const std::uint8_t flags = preamble.role == wire::Role::kControl ? wire::kFlagResume : 0;
  if (role < 1 || role > 3 || (preamble.flags & ~flags) != 0 || !numbered) {
    return PreambleRefused{"sent a malformed preamble"};
  }
  return preamble;
}

Status judge_reply_head(const wire::PreambleReply& reply) {
  if (reply.magic != wire::kMagic) {
    return Status(StatusCode::kProtocol, "does not speak the pageferry protocol");
  }
  if (reply.version == wire::kVersion) return Status();
  return Status(StatusCode::kUnsupported, "speaks version " + std::to_string(reply.version) +
                                              " of the protocol, this side version " +
                                              std::to_string(wire::kVersion));
}

Status judge_reply(const wire::PreambleReply& reply) {
  if (Status head = judge_reply_head(reply); !head.ok()) return head;
  switch (reply.status) {
    case wire::PreambleStatus::kAccepted:
      if (reply.reserved == 0) return Status();
      return Status(StatusCode::kProtocol, "answered with a reserved field that is not zero");
    case wire::PreambleStatus::kVersionNotSupported:
      return Status(StatusCode::kProtocol, "does not speak the version that it says it speaks");
    case wire::PreambleStatus::kUnknownMigration:
      return Status(StatusCode::kProtocol, "does not know this migration");
    case wire::PreambleStatus::kBusy:
      return Status(StatusCode::kBusy, "serves as many migrations as it may");
    case wire::PreambleStatus::kNotResumable:
      return Status(StatusCode::kProtocol, "cannot resume this migration");
    case wire::PreambleStatus::kIdInUse:
      return Status(StatusCode::kExists, "knows a migration of this id already");
  }
  return Status(StatusCode::kProtocol, "answered with an unknown status");
}

}  // namespace pageferry
