// The state of a built-in guest, as it comes with `switchover`, and what its threads would do next.
//
// Input: 1 byte workload, 1 byte guest threads, then the state.
#include "fuzz/target.h"
#include "workload/workload_wire.h"

namespace pageferry::fuzzing {

namespace {

constexpr std::uint64_t kPages = 64;

// A trace's operations are those of trace_fuzz.cc.
constexpr std::uint8_t kKinds = static_cast<std::uint8_t>(WorkloadKind::kTrace);

Result<GuestLayout> chosen_layout(Choices& choices) {
  WorkloadConfig config;
  config.kind = static_cast<WorkloadKind>(choices.take<std::uint8_t>() % kKinds);
  config.threads = 1 + choices.take<std::uint8_t>() % kPages;
  return GuestLayout::create(config, kPages);
}

}  // namespace

void fuzz(Input input) {
  Choices choices(input);
  const auto layout = chosen_layout(choices);
  require(layout.ok(), "such a guest can be");
  const auto bytes = choices.take_all<std::uint8_t>(choices.rest().size());
  const auto state = decode_state(bytes, layout.value());
  require(state.ok() || state.status().code() == StatusCode::kProtocol,
          "what is no state breaks protocol");
  if (!state.ok()) return;
  require(encode_state(state.value()) == bytes, "a state that was taken can be passed on as it is");
  const auto& threads = state.value().threads;
  for (std::uint32_t thread = 0; thread < threads.size(); ++thread) {
    const Program program = layout.value().program(thread, {});
    const std::uint64_t items =
        layout.value().share(thread).count * layout.value().items_per_page();
    require(program.choose(threads[thread].progress.operations).item < items,
            "a thread stays within its share, whatever it is said to have done");
  }
}

}  // namespace pageferry::fuzzing
