// When the writes of a trace are due: those of each interval evenly spread over it, the whole over and over.
//
// A thread that fell behind by more than 10 ms (a pause, a stall, a slow machine) does not make up for it:
// what is left of the trace happens later.
//
// Thread contract: owned by one guest thread. Times are given, never read.
#pragma once

#include <cstdint>

#include "workload/trace.h"

namespace pageferry {

class TracePacer {
 public:
  explicit TracePacer(TraceView trace) : trace_(trace) {}

  // How many writes are due at `now_ns`, the next one being number `operation` since the guest's first start;
  // the first call starts the clock at that write.
  std::uint64_t grant(std::int64_t now_ns, std::uint64_t operation);
  // When to ask again, after grant(now_ns, operation) gave 0.
  std::int64_t next_grant_ns(std::int64_t now_ns, std::uint64_t operation) const;

 private:
  struct Position {
    TraceSpan span;
    std::uint64_t done;      // writes of the span before this one
    std::uint64_t start_ns;  // of the span, since the guest's first start
  };
  Position position_of(std::uint64_t operation) const;
  static std::uint64_t due_ns(const Position& position);

  TraceView trace_;
  bool started_ = false;
  // The moment at which the guest would have started for the first time. Unsigned, as all arithmetic
  // here: what a peer put into a trace may make it wrap.
  std::uint64_t origin_ns_ = 0;
};

}  // namespace pageferry
