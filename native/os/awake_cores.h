// Keeps this machine's idle cores from halting while threads wake each other for a guest that waits: a halted
// core takes tens of microseconds to run again (docs/decisions/0022). The request is the kernel's own
// (Documentation/power/pm_qos_interface): it holds while the descriptor is open, whatever becomes of the process.
//
// Best effort: without write access to /dev/cpu_dma_latency (root) or an idle driver nothing changes. It costs
// power and a virtual machine's quota: AwakeTime says when it is worth it.
//
// Thread contract: one thread at a time.
#pragma once

#include "os/unique_fd.h"

namespace pageferry {

class AwakeCores {
 public:
  // Idempotent, as is release(). Once the request was refused it is not made again: a fault is no time to ask.
  void hold();
  void release() { request_.reset(); }
  bool held() const { return request_.valid(); }

 private:
  UniqueFd request_;
  bool refused_ = false;
};

}  // namespace pageferry
