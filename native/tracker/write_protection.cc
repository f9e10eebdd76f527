#include "tracker/write_protection.h"

namespace pageferry {

Result<WriteProtection> WriteProtection::start(const GuestMemory& memory,
                                               const UserFaultFd::Features& wanted,
                                               FaultSource needed) {
  auto uffd = memory.open_userfaultfd(wanted, needed);
  if (!uffd.ok()) return uffd.status();
  WriteProtection protection(std::move(uffd.value()), memory);
  for (const Region& region : memory.regions()) {
    const Status status =
        protection.uffd_.register_range(region.guest_range(), FaultMode::kWriteProtect);
    if (!status.ok()) return status;
  }
  return protection;
}

WriteProtection::~WriteProtection() {
  if (uffd_.valid()) lift();
}

void WriteProtection::lift() const {
  for (const Region& region : memory_->regions()) {
    // Fails for a region that start() did not reach or that was lifted before, or when the guest's
    // process is gone.
    static_cast<void>(uffd_.unregister_range(region.guest_range()));
  }
}

Status WriteProtection::protect_all() const {
  for (const Region& region : memory_->regions()) {
    if (Status status = uffd_.write_protect(region.guest_range(), true); !status.ok())
      return status;
  }
  return Status();
}

}  // namespace pageferry
