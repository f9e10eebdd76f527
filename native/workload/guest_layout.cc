#include "workload/guest_layout.h"

#include <string>

namespace pageferry {

namespace {

Status invalid(std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message));
}

Status check(const WorkloadConfig& config, std::uint64_t working_set_pages,
             std::uint64_t page_count) {
  if (config.write_bytes < 8 || config.write_bytes > kPageBytes || config.write_bytes % 8 != 0) {
    return invalid("bytes per page write: expected a multiple of 8 from 8 to 4096, got " +
                   std::to_string(config.write_bytes));
  }
  if (working_set_pages > page_count) {
    return invalid("working set of " + std::to_string(config.working_set_bytes) +
                   " bytes is larger than the guest's memory of " +
                   std::to_string(page_count * kPageBytes) + " bytes");
  }
  if (config.threads == 0 || config.threads > kMaxGuestThreads) {
    return invalid("guest threads: expected 1 to " + std::to_string(kMaxGuestThreads) + ", got " +
                   std::to_string(config.threads));
  }
  if (config.threads > working_set_pages) {
    return invalid(std::to_string(config.threads) +
                   " guest threads need a working set of at least as many pages, got " +
                   std::to_string(working_set_pages));
  }
  if (config.operations_per_mark == 0)
    return invalid("operations per mark: expected 1 or more, got 0");
  return Status();
}

WorkloadConfig resolved(WorkloadConfig config, std::uint64_t working_set_pages) {
  config.working_set_bytes = working_set_pages * kPageBytes;
  return config;
}

}  // namespace

Result<GuestLayout> GuestLayout::create(const WorkloadConfig& config, std::uint64_t page_count) {
  const std::uint64_t bytes = config.working_set_bytes;
  const std::uint64_t working_set_pages =
      bytes == 0 ? page_count : bytes / kPageBytes + (bytes % kPageBytes != 0);
  if (Status status = check(config, working_set_pages, page_count); !status.ok()) return status;
  return GuestLayout(resolved(config, working_set_pages), page_count);
}

GuestLayout::GuestLayout(const WorkloadConfig& config, std::uint64_t page_count)
    : config_(config),
      page_count_(page_count),
      slots_(config.write_bytes, config.seed),
      table_(config.write_bytes, config.seed) {}

PageRange GuestLayout::share(std::uint32_t thread) const {
  const std::uint64_t pages = working_set_pages();
  const PageIndex first = pages * thread / config_.threads;
  return {first, pages * (thread + 1) / config_.threads - first};
}

Program GuestLayout::program(std::uint32_t thread) const {
  return Program(config_.kind, share(thread).count * items_per_page(),
                 thread_stream(config_.seed, thread));
}

}  // namespace pageferry
