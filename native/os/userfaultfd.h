// The only code that issues userfaultfd ioctls.
//
// Thread contract: a UserFaultFd is immutable after open() or adopt(); every call on it is one
// system call and may be made from any thread. It may belong to another process's address space:
// every address is one of the guest's process, which is why addresses are integers here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "os/status.h"
#include "os/unique_fd.h"

namespace pageferry {

struct AddressRange {
  std::uint64_t start;
  std::uint64_t bytes;
};

// What to register a range for; combine with |.
enum class FaultMode : std::uint32_t { kMissing = 1, kWriteProtect = 2, kMinor = 4 };
constexpr FaultMode operator|(FaultMode a, FaultMode b) {
  return static_cast<FaultMode>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}

enum class FaultKind : std::uint8_t { kMissing, kMinor, kWriteProtect };

struct FaultEvent {
  std::uint64_t address;  // Page aligned.
  FaultKind kind;
};

// Whose faults a descriptor must deliver. A system call that faults on a page of one that delivers only those of
// user mode fails with EFAULT; such a descriptor is open to every user (Linux 5.11).
enum class FaultSource : std::uint8_t { kAnyMode, kUserMode };

class UserFaultFd {
 public:
  // Kernel feature bits, named once (UFFD_FEATURE_*).
  struct Features {
    bool write_protect = false;         // anonymous memory, Linux 5.7
    bool write_protect_shared = false;  // shared memory, Linux 5.19
    bool write_protect_unpopulated = false;
    bool write_protect_async = false;  // Linux 6.7
    bool missing_shared = false;
    bool minor_shared = false;  // Linux 5.14
  };

  // Asks the kernel; closes what it opened. Fails with kNoPermission when this user may not, with a
  // message that says how to get it.
  static Result<Features> probe();

  // Opens a userfaultfd for this process with exactly the features that are true in `wanted`, one for faults of
  // any mode where this user may have it. kNoPermission where those are needed and may not be had.
  // Non-blocking and close-on-exec.
  static Result<UserFaultFd> open(const Features& wanted,
                                  FaultSource needed = FaultSource::kAnyMode);

  // Takes a descriptor that another process opened and passed on; performs the API handshake with
  // `wanted` when that process has not done it (a second handshake is refused by the kernel, which
  // is then taken as "already done").
  static Result<UserFaultFd> adopt(UniqueFd fd, const Features& wanted);

  UserFaultFd() = default;
  int fd() const { return fd_.get(); }
  bool valid() const { return fd_.valid(); }

  Status register_range(AddressRange range, FaultMode mode) const;
  // Every thread that waits in the range goes on.
  Status unregister_range(AddressRange range) const;

  // Write-protects the range, or lifts the protection and wakes the writers that wait on it.
  Status write_protect(AddressRange range, bool protect) const;

  // Reads up to events.size() pending events without blocking. Returns how many; 0 when none.
  Result<std::size_t> read_events(std::span<FaultEvent> events) const;

  // Each install call maps pages for the guest and wakes the threads that wait on them. A page that
  // is already mapped counts as done (its waiters are woken).
  //
  // Maps pages that are already in the shared memory object.
  Status continue_range(AddressRange range) const;
  // Copies `bytes` from `source` in this process into unmapped private pages.
  Status copy(std::uint64_t destination, const std::byte* source, std::size_t bytes) const;
  Status zero(AddressRange range) const;
  Status wake(AddressRange range) const;

 private:
  explicit UserFaultFd(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace pageferry
