// Which pages a running process writes, from one look at it to the next (docs/trace-format.md).
//
// The process is never stopped. With soft-dirty bits the kernel keeps account, and each first write to a
// page after a look costs the process a minor fault. Otherwise each look reads all of its populated memory
// and compares digests.
//
// Thread contract: one call at a time, from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "os/pagemap.h"
#include "os/process_memory.h"
#include "os/status.h"
#include "region/guest_memory.h"
#include "workload/seen_pages.h"

namespace pageferry {

enum class TraceMethod : std::uint8_t { kSoftDirty = 1, kDigest = 2 };

// True for memory that a trace is about: what the process itself writes, with no file behind it.
bool is_traced(const ProcessMapping& mapping);

class ProcessTrace {
 public:
  struct Look {
    std::vector<PageRange> written;  // runs of indices, in the order of their addresses
    std::uint64_t page_count;        // indices there are by now
  };

  // Takes the first look: the pages that are populated now have the first indices, and none counts as
  // written.
  static Result<std::unique_ptr<ProcessTrace>> start(int pid);
  static Result<std::unique_ptr<ProcessTrace>> start(int pid, TraceMethod method);

  TraceMethod method() const { return method_; }
  // What was written since the look before. kPeerClosed when the process has ended, or runs another
  // program.
  Result<Look> look();

 private:
  ProcessTrace(int pid, TraceMethod method, ProcessMappings mappings, Pagemap pagemap);
  Status look_at(const ProcessMapping& mapping, Look& look);
  Status read_bits(AddressRange populated, Look& look);
  Status compare(AddressRange populated, bool shared, Look& look);
  Status compare_block(std::uint64_t address, std::uint64_t pages, bool shared, Look& look);
  Status explain(const Status& status) const;

  const int pid_;
  const TraceMethod method_;
  const ProcessMappings mappings_;
  const Pagemap pagemap_;
  bool first_look_ = true;
  SeenPages seen_;
  std::vector<std::byte> buffer_;
};

}  // namespace pageferry
