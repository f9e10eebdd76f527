// The trace in a guest's appendix: it came from a peer as pages, which nobody checks, and guest threads follow it.
//
// Input: 2 bytes intervals, 2 bytes writes, 8 bytes number of the operation, 8 bytes the time, then the appendix.
#include "fuzz/target.h"
#include "workload/appendix.h"
#include "workload/program.h"
#include "workload/trace_pacer.h"

namespace pageferry::fuzzing {

namespace {

constexpr std::uint64_t kItems = 10;
// Times are a monotonic clock's: so much is 146 years.
constexpr std::int64_t kMostNs = std::int64_t{1} << 62;

}  // namespace

void fuzz(Input input) {
  Choices choices(input);
  const TraceSize size = {1 + choices.take<std::uint16_t>() % 1024u,
                          1 + choices.take<std::uint16_t>() % 4096u};
  const AppendixContent content{false, size};
  auto operation = choices.take<std::uint64_t>();
  const auto now_ns = static_cast<std::int64_t>(choices.take<std::uint64_t>() % kMostNs);
  // Guest memory is in words.
  std::vector<std::uint64_t> memory(appendix_pages(content, 0) * kPageBytes / kWordBytes);
  const std::size_t bytes = std::min(choices.rest().size(), memory.size() * kWordBytes);
  if (bytes > 0) std::memcpy(memory.data(), choices.rest().data(), bytes);
  const auto* start = reinterpret_cast<const std::byte*>(memory.data());
  const TraceView trace = Appendix(start, content, 0).trace();
  const Program program(WorkloadKind::kTrace, kItems, 1, trace);
  TracePacer pacer(trace);
  require(pacer.grant(now_ns, operation) > 0, "the write at which the clock starts is due");
  for (int step = 0; step < 8; ++step) {
    const std::int64_t later = now_ns + (std::int64_t{1} << (step * 6));
    require(program.choose(operation).item < kItems, "a thread stays within its share");
    const std::uint64_t granted = pacer.grant(later, operation);
    require(pacer.next_grant_ns(later, operation) > later, "time goes on");
    operation += granted;
  }
}

}  // namespace pageferry::fuzzing
