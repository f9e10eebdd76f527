// Which item a guest thread touches next. An item is a page of the thread's share, or for kv a key
// of its part of the table.
//
// Thread contract: immutable; choose() is a pure function of the operation's number, and of the trace.
#pragma once

#include <cstdint>

#include "workload/rng.h"
#include "workload/trace.h"
#include "workload/workload.h"
#include "workload/zipf.h"

namespace pageferry {

class Program {
 public:
  struct Choice {
    std::uint64_t item;
    bool write;  // false for a kv GET alone
  };

  // `items` > 0. `stream` differs from thread to thread.
  Program(WorkloadKind kind, std::uint64_t items, std::uint64_t stream, TraceView trace = {});

  // Not for kIdle, which has no operations, nor for kSnapshots, whose operations snapshots.h knows.
  Choice choose(std::uint64_t operation) const;

 private:
  std::uint64_t choose_hotset(Rng rng) const;
  std::uint64_t choose_phased(Rng rng, std::uint64_t operation) const;
  Choice choose_kv(Rng rng) const;
  std::uint64_t choose_traced(std::uint64_t operation) const;

  WorkloadKind kind_;
  std::uint64_t items_;
  std::uint64_t stream_;
  std::uint64_t hot_items_;
  std::uint64_t window_items_;
  std::uint64_t operations_per_phase_;
  Zipf zipf_;
  TraceView trace_;
};

// The stream of one guest thread.
constexpr std::uint64_t thread_stream(std::uint64_t seed, std::uint32_t thread) {
  return mix64(mix64(seed) + (thread + 1) * kGoldenGamma);
}

}  // namespace pageferry
