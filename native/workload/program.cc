#include "workload/program.h"

#include <algorithm>

namespace pageferry {

namespace {

constexpr std::uint64_t kHotTenths = 9;             // of the writes go to the hot set,
constexpr std::uint64_t kHotShareDivisor = 10;      // which is a tenth of the share
constexpr std::uint64_t kWindowShareDivisor = 4;    // phased: the window is a quarter of the share
constexpr std::uint64_t kWritesPerWindowItem = 64;  // and moves on after this many writes per item

}  // namespace

Program::Program(WorkloadKind kind, std::uint64_t items, std::uint64_t stream, TraceView trace)
    : kind_(kind),
      items_(items),
      stream_(stream),
      hot_items_(std::max<std::uint64_t>(1, items / kHotShareDivisor)),
      window_items_(std::max<std::uint64_t>(1, items / kWindowShareDivisor)),
      operations_per_phase_(window_items_ * kWritesPerWindowItem),
      zipf_(items),
      trace_(trace) {}

Program::Choice Program::choose(std::uint64_t operation) const {
  Rng rng = rng_of_operation(stream_, operation);
  switch (kind_) {
    case WorkloadKind::kIdle:
    case WorkloadKind::kSnapshots:
      break;
    case WorkloadKind::kSequential:
      return {operation % items_, true};
    case WorkloadKind::kUniform:
      return {rng.below(items_), true};
    case WorkloadKind::kHotset:
      return {choose_hotset(rng), true};
    case WorkloadKind::kZipf:
      return {zipf_.item(rng), true};
    case WorkloadKind::kPhased:
      return {choose_phased(rng, operation), true};
    case WorkloadKind::kKv:
      return choose_kv(rng);
    case WorkloadKind::kTrace:
      return {choose_traced(operation), true};
  }
  return {0, false};
}

// Nine writes in ten go to the first tenth of the share, the others anywhere.
std::uint64_t Program::choose_hotset(Rng rng) const {
  return rng.below(10) < kHotTenths ? rng.below(hot_items_) : rng.below(items_);
}

std::uint64_t Program::choose_phased(Rng rng, std::uint64_t operation) const {
  const std::uint64_t phase = operation / operations_per_phase_;
  // The window steps by its own length; modulo first, so that the product stays small.
  const std::uint64_t start = phase % items_ * window_items_ % items_;
  return (start + rng.below(window_items_)) % items_;
}

Program::Choice Program::choose_kv(Rng rng) const {
  const bool set = rng.next() >> 63;
  return {zipf_.item(rng), set};
}

// The trace's bytes came from a peer: whatever they say, the page is one of the share.
std::uint64_t Program::choose_traced(std::uint64_t operation) const {
  const std::uint64_t page = trace_.page(operation % trace_.write_count());
  return page < items_ ? page : 0;
}

}  // namespace pageferry
