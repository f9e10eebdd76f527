// The first bytes of a connection, as the destination judges them while they come.
#include "fuzz/target.h"
#include "wire/preamble.h"

namespace pageferry::fuzzing {

namespace {

// What becomes of the first `come` bytes, by docs/protocol.md, 1.1. Answers whether they are refused.
bool judge(Input come) {
  const PreambleVerdict verdict = judge_preamble(come);
  const auto said = Choices(come).take<wire::Preamble>();
  const std::size_t magic = std::min(come.size(), said.magic.size());
  const bool ours =
      std::equal(said.magic.begin(), said.magic.begin() + magic, wire::kMagic.begin());
  const bool has_version = come.size() >= wire::kPreambleHeadBytes;
  const bool other_version = ours && has_version && said.version != wire::kVersion;
  if (const auto* refused = std::get_if<PreambleRefused>(&verdict)) {
    require(!refused->reason.empty(), "a refusal has a reason");
    require(refused->speaks_another_version == other_version,
            "who speaks another version of ours is told so, and nobody else");
    return true;
  }
  require(ours && !other_version, "what is not ours is refused at its first wrong byte");
  if (std::holds_alternative<PreambleIncomplete>(verdict)) {
    require(come.size() < sizeof(said), "a whole preamble is judged");
    return false;
  }
  require(come.size() == sizeof(said), "a preamble is taken when all of it is there");
  const auto& taken = std::get<wire::Preamble>(verdict);
  require(std::memcmp(&taken, come.data(), sizeof(taken)) == 0, "a preamble is taken as it came");
  switch (taken.role) {
    case wire::Role::kControl:
      require(taken.flags <= wire::kFlagResume && taken.channel == 0, "a control channel's fields");
      return false;
    case wire::Role::kPage:
      require(taken.flags == 0, "a page channel has no flags");
      return false;
    case wire::Role::kFault:
      require(taken.flags == 0 && taken.channel == 0, "a fault channel's fields");
      return false;
  }
  require(false, "a role that there is");
  return false;
}

}  // namespace

void fuzz(Input input) {
  const Input whole = input.first(std::min(input.size(), sizeof(wire::Preamble)));
  bool refused = false;
  for (std::size_t come = 0; come <= whole.size(); ++come) {
    const bool now = judge(whole.first(come));
    require(now || !refused, "a refusal is final");
    refused = now;
  }
}

}  // namespace pageferry::fuzzing
