// Catches write faults (SIGSEGV) in address ranges of this process and hands them to their owner.
//
// The process's handler is ours from the first install() on, and not before; it passes every other fault to
// the handler that was there (V8 uses one for WebAssembly). It stays when the last trap goes: a thread whose
// write faulted just before its page was opened may still be on its way into the handler, and would meet the
// default action, which ends the process.
//
// Thread contract: install and destruction from any thread. Faults come on the writing thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "os/status.h"
#include "os/userfaultfd.h"

namespace pageferry {

// The owner of a trapped range.
class WriteTrapOwner {
 public:
  // Makes the page at `address` writable. Runs in the signal handler: async-signal-safe code only.
  // False when it cannot, and the fault goes to the previous handler.
  virtual bool on_write_fault(std::uint64_t address) = 0;

 protected:
  ~WriteTrapOwner() = default;
};

class WriteTrap {
 public:
  // Whether install() would find the process's handler free or ours. Changes nothing.
  static Status available();
  // From its return on, write faults in `range` reach `owner`, which outlives the trap.
  static Result<WriteTrap> install(AddressRange range, WriteTrapOwner& owner);
  WriteTrap(WriteTrap&& other) noexcept : slot_(std::exchange(other.slot_, kNoSlot)) {}
  WriteTrap& operator=(WriteTrap&&) = delete;
  // The range must be writable by now. On return no fault is on its way to the owner.
  ~WriteTrap();

 private:
  static constexpr std::size_t kNoSlot = ~std::size_t{0};
  explicit WriteTrap(std::size_t slot) : slot_(slot) {}
  std::size_t slot_;
};

}  // namespace pageferry
