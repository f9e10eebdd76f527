// A process that stands still for as long as this object lives (SIGSTOP, then SIGCONT).
//
// A process that was stopped before, by its user or a debugger, stays stopped afterwards. Its parent is told of both
// signals, as of any others. Should this process be killed meanwhile, the other one stays stopped.
//
// Thread contract: use each object from one thread at a time.
#pragma once

#include "os/status.h"
#include "os/unique_fd.h"

namespace pageferry {

class StoppedProcess {
 public:
  // On success no thread of the process runs. On failure the process goes on, if it is there.
  static Result<StoppedProcess> stop(int pid);
  StoppedProcess(StoppedProcess&&) noexcept = default;
  StoppedProcess& operator=(StoppedProcess&&) noexcept = delete;
  ~StoppedProcess();

 private:
  explicit StoppedProcess(UniqueFd process) : process_(std::move(process)) {}

  // Names the process, and no other that gets its number later. Invalid when there is nothing to undo.
  UniqueFd process_;
};

}  // namespace pageferry
