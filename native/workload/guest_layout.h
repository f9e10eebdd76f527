// Who writes what: the working set, the share of each guest thread, and the items of a share; and where
// the appendix lies.
//
// Shares are contiguous, disjoint, at least one page each, and together the working set, which is
// the first pages of the guest. Pages after it keep their initial content for ever. The appendix is
// the last pages of the memory.
//
// Thread contract: immutable.
#pragma once

#include <cstdint>

#include "region/guest_memory.h"
#include "workload/appendix.h"
#include "workload/kv_table.h"
#include "workload/page_slot.h"
#include "workload/program.h"
#include "workload/workload.h"

namespace pageferry {

inline constexpr std::uint32_t kMaxGuestThreads = 1024;

class GuestLayout {
 public:
  // kInvalidArgument, with what was expected, for a configuration that does not fit the memory.
  static Result<GuestLayout> create(const WorkloadConfig& config, std::uint64_t memory_pages,
                                    const TraceSize& trace = {});

  // As given, with the working set resolved to whole pages.
  const WorkloadConfig& config() const { return config_; }
  std::uint64_t memory_pages() const { return memory_pages_; }
  // Of the guest before the appendix.
  std::uint64_t page_count() const { return page_count_; }
  const AppendixContent& appendix_content() const { return appendix_; }
  PageRange appendix_range() const { return {page_count_, memory_pages_ - page_count_}; }
  std::uint64_t working_set_pages() const { return config_.working_set_bytes / kPageBytes; }
  const PageSlots& slots() const { return slots_; }
  const KvTable& table() const { return table_; }

  bool is_trace() const { return config_.kind == WorkloadKind::kTrace; }
  bool is_snapshots() const { return config_.kind == WorkloadKind::kSnapshots; }
  bool is_kv() const { return config_.kind == WorkloadKind::kKv; }
  // An idle guest has no operations, so no threads.
  std::uint32_t running_threads() const {
    return config_.kind == WorkloadKind::kIdle ? 0 : config_.threads;
  }
  PageRange share(std::uint32_t thread) const;
  std::uint64_t items_per_page() const { return is_kv() ? table_.keys_per_page() : 1; }
  // `trace`: where it can be read; only for a trace.
  Program program(std::uint32_t thread, TraceView trace) const;

  // The pages whose initial content is the fill's; the kv table replaces it in the working set.
  PageRange filled_pages() const {
    const PageIndex first = is_kv() ? working_set_pages() : 0;
    return {first, page_count_ - first};
  }
  // The pages before those: the kv table.
  PageRange table_pages() const { return {0, is_kv() ? working_set_pages() : 0}; }

 private:
  GuestLayout(const WorkloadConfig& config, std::uint64_t memory_pages,
              const AppendixContent& appendix);

  WorkloadConfig config_;
  std::uint64_t memory_pages_;
  AppendixContent appendix_;
  std::uint64_t page_count_;
  PageSlots slots_;
  KvTable table_;
};

}  // namespace pageferry
