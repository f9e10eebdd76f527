// A userfaultfd registered for write-protect over the whole of a guest; unregisters when destroyed,
// which also lifts every protection and wakes every waiting writer.
//
// Thread contract: immutable after start(); call uffd() from any thread.
#pragma once

#include <memory>

#include "os/userfaultfd.h"
#include "region/guest_memory.h"

namespace pageferry {

class WriteProtection {
 public:
  static Result<WriteProtection> start(const GuestMemory& memory,
                                       const UserFaultFd::Features& wanted,
                                       FaultSource needed = FaultSource::kAnyMode);
  WriteProtection(WriteProtection&&) = default;
  WriteProtection& operator=(WriteProtection&&) = delete;
  ~WriteProtection();

  const UserFaultFd& uffd() const { return uffd_; }
  // Write-protects every page of the guest that can be.
  Status protect_all() const;
  // Ends the registration: every page is writable, and no write waits any more.
  void lift() const;

 private:
  WriteProtection(UserFaultFd uffd, const GuestMemory& memory)
      : uffd_(std::move(uffd)), memory_(&memory) {}

  UserFaultFd uffd_;
  const GuestMemory* memory_;
};

}  // namespace pageferry
