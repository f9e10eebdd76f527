// The memory of another process: its mappings, and the bytes in them.
//
// Thread contract: every call is independent; call from any thread. The process keeps running, so an
// answer may be out of date when it arrives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "os/status.h"
#include "os/unique_fd.h"
#include "os/userfaultfd.h"

namespace pageferry {

struct ProcessMapping {
  AddressRange range;
  bool readable = false;
  bool writable = false;
  bool shared = false;
  std::string name;  // a file, a [name] of the kernel's, or empty
};

// The mappings of one program in one process: once the process has ended, or has become another program, it has
// none. A process that gets the same number later is never taken for it.
class ProcessMappings {
 public:
  static Result<ProcessMappings> open(int pid);
  Result<std::vector<ProcessMapping>> read() const;
  // What a call on the process failed with, once calls on it have succeeded: kPeerClosed when it has ended since.
  // While its threads end one after the other it cannot be found any more, but its mappings are still there.
  Status explain(const Status& failure) const;

 private:
  ProcessMappings(UniqueFd fd, int pid) : fd_(std::move(fd)), pid_(pid) {}

  UniqueFd fd_;
  int pid_;
};

// One line of /proc/PID/maps; false for what is none.
bool parse_mapping(std::string_view line, ProcessMapping& mapping);

// The Status for a failed call on the process, in words that say what to do.
Status process_error(int pid, int system_error);

// Copies as many bytes as can be read without a gap: 0 when the first page cannot be read.
Result<std::uint64_t> read_process(int pid, std::uint64_t address, std::span<std::byte> out);

}  // namespace pageferry
