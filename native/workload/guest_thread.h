// One guest thread: runs its program's operations one after the other on its share of the memory.
//
// Thread contract: run() is the guest thread's own. State is read and set by the controlling thread
// while the guest thread is parked (or not started); the counters may be read at any time.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "region/guest_memory.h"
#include "workload/gap_watch.h"
#include "workload/guest_layout.h"
#include "workload/pacer.h"
#include "workload/run_control.h"
#include "workload/snapshots.h"
#include "workload/trace_pacer.h"

namespace pageferry {

// Page index to guest address in this process, without a call per page.
class GuestPages {
 public:
  explicit GuestPages(const GuestMemory& memory);
  std::byte* at(PageIndex page) const {
    const Run* run = runs_.data();
    while (page >= run->end) ++run;
    return run->base + (page - run->first) * kPageBytes;
  }

 private:
  struct Run {
    PageIndex first;
    PageIndex end;
    std::byte* base;
  };
  std::vector<Run> runs_;
};

// Own cache lines: every guest thread stores to its counters at each operation.
class alignas(64) GuestThread {
 public:
  // The counters of operations: what the guest has done since its first start anywhere.
  struct Progress {
    std::uint64_t operations = 0;
    std::uint64_t page_writes = 0;
    std::uint64_t failed_reads = 0;
  };

  // `snapshots`: for a guest that goes through them, otherwise null.
  GuestThread(const GuestMemory& memory, const GuestLayout& layout,
              std::shared_ptr<const Snapshots> snapshots, std::uint32_t index, RunControl& control,
              const GapWatch& watch);

  // Until the control stops.
  void run();

  Progress progress() const;
  void set_progress(const Progress& progress);
  GapRecorder& gaps() { return gaps_; }
  const GapRecorder& gaps() const { return gaps_; }

 private:
  void run_operations();
  void operate(std::uint64_t operation);
  void operate_on_table(const Program::Choice& choice);
  void operate_on_image(std::uint64_t operation);
  void count_page_write();
  bool await_credit(std::uint64_t operation);

  const GuestLayout& layout_;
  const GuestPages pages_;
  const std::shared_ptr<const Snapshots> snapshots_;
  const Program program_;
  const PageRange share_;
  RunControl& control_;
  Pacer pacer_;
  TracePacer trace_pacer_;
  std::uint64_t credit_ = 0;  // page writes granted and not yet done
  GapRecorder gaps_;
  std::atomic<std::uint64_t> operations_{0};
  std::atomic<std::uint64_t> page_writes_{0};
  std::atomic<std::uint64_t> failed_reads_{0};
};

}  // namespace pageferry
