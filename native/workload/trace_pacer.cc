#include "workload/trace_pacer.h"

#include <algorithm>

#include "workload/rng.h"

namespace pageferry {

namespace {

constexpr std::int64_t kLongestLagNs = 10'000'000;
// Fast traces are granted in small batches, so that they do not mean a system call per write.
constexpr std::int64_t kBatchNs = 200'000;
constexpr std::int64_t kLongestWaitNs = 3600 * std::int64_t{1'000'000'000};

}  // namespace

TracePacer::Position TracePacer::position_of(std::uint64_t operation) const {
  const std::uint64_t round = operation / trace_.write_count();
  const std::uint64_t write = operation % trace_.write_count();
  const TraceSpan span = trace_.span_of(write);
  return {span, write - span.first_write, round * trace_.duration_ns() + span.start_ns};
}

std::uint64_t TracePacer::due_ns(const Position& position) {
  const TraceSpan& span = position.span;
  const std::uint64_t writes = std::max<std::uint64_t>(1, span.write_count);
  return position.start_ns +
         static_cast<std::uint64_t>(Uint128{span.length_ns} * position.done / writes);
}

std::uint64_t TracePacer::grant(std::int64_t now_ns, std::uint64_t operation) {
  const auto now = static_cast<std::uint64_t>(now_ns);
  const Position position = position_of(operation);
  const std::uint64_t due = due_ns(position);
  if (!started_) {
    started_ = true;
    origin_ns_ = now - due;
  }
  const auto lag = static_cast<std::int64_t>(now - origin_ns_ - due);
  if (lag < 0) return 0;
  if (lag > kLongestLagNs) origin_ns_ = now - due - kLongestLagNs;
  // Those of this interval only: the next call sees to the next one.
  const TraceSpan& span = position.span;
  const std::uint64_t left = span.write_count - position.done;
  if (span.length_ns == 0) return std::max<std::uint64_t>(1, left);
  const std::uint64_t into_span = now - origin_ns_ - position.start_ns;
  const Uint128 due_by_now = Uint128{into_span} * span.write_count / span.length_ns + 1;
  const Uint128 fresh = due_by_now > position.done ? due_by_now - position.done : 1;
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::min<Uint128>(fresh, left)));
}

std::int64_t TracePacer::next_grant_ns(std::int64_t now_ns, std::uint64_t operation) const {
  const std::uint64_t due = origin_ns_ + due_ns(position_of(operation));
  const auto wait = static_cast<std::int64_t>(due - static_cast<std::uint64_t>(now_ns));
  return now_ns + std::clamp(wait, kBatchNs, kLongestWaitNs);
}

}  // namespace pageferry
