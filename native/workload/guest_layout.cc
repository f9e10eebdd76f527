#include "workload/guest_layout.h"

#include <algorithm>
#include <string>

#include "workload/page_content.h"

namespace pageferry {

namespace {

Status invalid(std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message));
}

Status check_trace(const WorkloadConfig& config, const TraceSize& trace) {
  if (config.kind != WorkloadKind::kTrace) {
    if (trace.intervals == 0 && trace.writes == 0) return Status();
    return invalid("only the workload trace has a trace");
  }
  if (trace.intervals == 0 || trace.writes == 0) return invalid("the trace has no page writes");
  if (trace.intervals > kMaxTraceIntervals || trace.writes > kMaxTraceWrites) {
    return invalid("a trace has at most " + std::to_string(kMaxTraceIntervals) + " intervals and " +
                   std::to_string(kMaxTraceWrites) + " page writes");
  }
  if (config.threads != 1) return invalid("a trace is replayed by one guest thread");
  if (config.writes_per_second != 0) return invalid("a trace is replayed at its own speed");
  return Status();
}

Status check_snapshots(const WorkloadConfig& config) {
  if (config.kind != WorkloadKind::kSnapshots) return Status();
  if (config.fill != FillKind::kImage) {
    return invalid("the workload snapshots needs an image as its fill");
  }
  if (config.threads != 1) return invalid("snapshots are gone through by one guest thread");
  if (config.writes_per_second != 0) return invalid("snapshots have their own speed");
  return Status();
}

Status check(const WorkloadConfig& config, std::uint64_t working_set_pages,
             std::uint64_t memory_pages) {
  if (config.write_bytes < 8 || config.write_bytes > kPageBytes || config.write_bytes % 8 != 0) {
    return invalid("bytes per page write: expected a multiple of 8 from 8 to 4096, got " +
                   std::to_string(config.write_bytes));
  }
  if (working_set_pages > memory_pages) {
    return invalid("working set of " + std::to_string(config.working_set_bytes) +
                   " bytes is larger than the guest's memory of " +
                   std::to_string(memory_pages * kPageBytes) + " bytes");
  }
  if (config.threads == 0 || config.threads > kMaxGuestThreads) {
    return invalid("guest threads: expected 1 to " + std::to_string(kMaxGuestThreads) + ", got " +
                   std::to_string(config.threads));
  }
  return Status();
}

WorkloadConfig resolved(WorkloadConfig config, std::uint64_t working_set_pages) {
  config.working_set_bytes = working_set_pages * kPageBytes;
  return config;
}

}  // namespace

Result<GuestLayout> GuestLayout::create(const WorkloadConfig& config, std::uint64_t memory_pages,
                                        const TraceSize& trace) {
  if (Status status = check_trace(config, trace); !status.ok()) return status;
  if (Status status = check_snapshots(config); !status.ok()) return status;
  const std::uint64_t bytes = config.working_set_bytes;
  const std::uint64_t wanted =
      bytes == 0 ? memory_pages : bytes / kPageBytes + (bytes % kPageBytes != 0);
  if (Status status = check(config, wanted, memory_pages); !status.ok()) return status;
  // Both sides compare snapshots with the image itself.
  const bool digests =
      !fill_is_recomputable(config.fill) && config.kind != WorkloadKind::kSnapshots;
  const AppendixContent appendix{digests, trace};
  const std::uint64_t page_count = pages_before_appendix(appendix, memory_pages);
  const std::uint64_t working_set_pages = std::min(wanted, page_count);
  if (config.threads > working_set_pages) {
    return invalid(std::to_string(config.threads) +
                   " guest threads need a working set of at least as many pages, got " +
                   std::to_string(working_set_pages) + " of " + std::to_string(memory_pages) +
                   " pages of memory");
  }
  return GuestLayout(resolved(config, working_set_pages), memory_pages, appendix);
}

GuestLayout::GuestLayout(const WorkloadConfig& config, std::uint64_t memory_pages,
                         const AppendixContent& appendix)
    : config_(config),
      memory_pages_(memory_pages),
      appendix_(appendix),
      page_count_(pages_before_appendix(appendix, memory_pages)),
      slots_(config.write_bytes, config.seed),
      table_(config.write_bytes, config.seed) {}

PageRange GuestLayout::share(std::uint32_t thread) const {
  const std::uint64_t pages = working_set_pages();
  const PageIndex first = pages * thread / config_.threads;
  return {first, pages * (thread + 1) / config_.threads - first};
}

Program GuestLayout::program(std::uint32_t thread, TraceView trace) const {
  return Program(config_.kind, share(thread).count * items_per_page(),
                 thread_stream(config_.seed, thread), trace);
}

}  // namespace pageferry
