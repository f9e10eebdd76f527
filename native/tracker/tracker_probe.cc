#include "tracker/tracker_probe.h"

#include <sys/mman.h>
#include <sys/utsname.h>

#include <string_view>

#include "os/populate.h"
#include "os/write_trap.h"

namespace pageferry {

namespace {

constexpr const char* kPermissionRemedy =
    "run as root or with CAP_SYS_PTRACE, or set vm.unprivileged_userfaultfd=1, or make "
    "/dev/userfaultfd readable and writable";

std::string kernel_release() {
  utsname name{};
  return ::uname(&name) == 0 ? name.release : "unknown";
}

// One page of guest memory of its own, with the mapping that a private one needs.
struct Page {
  Mapping mapping;
  std::shared_ptr<GuestMemory> memory;
};

Result<Page> make_page(Backing backing) {
  Page page;
  if (backing == Backing::kPrivate) {
    auto mapping = Mapping::map_anonymous(kPageBytes);
    if (!mapping.ok()) return mapping.status();
    page.mapping = std::move(mapping.value());
  }
  auto memory = backing == Backing::kShared
                    ? GuestMemory::create_shared({kPageBytes})
                    : GuestMemory::adopt_private(
                          {{reinterpret_cast<std::uintptr_t>(page.mapping.data()), kPageBytes}});
  if (!memory.ok()) return memory.status();
  page.memory = std::move(memory.value());
  return page;
}

void write_to(const GuestMemory& memory) {
  *reinterpret_cast<volatile std::uint8_t*>(memory.guest_address(0)) = 1;
}

Status try_tracker(TrackerKind kind, Backing backing) {
  auto page = make_page(backing);
  if (!page.ok()) return page.status();
  auto tracker = make_tracker(kind, page.value().memory, [](const Status&) {});
  if (!tracker.ok()) return tracker.status();
  if (Status status = tracker.value()->arm(); !status.ok()) return status;
  write_to(*page.value().memory);
  PageBitmap dirty(1);
  if (Status status = tracker.value()->harvest(dirty.all(), dirty); !status.ok()) return status;
  if (dirty.test(0)) return Status();
  return Status(StatusCode::kUnsupported, "a tracked write was not reported");
}

// What an mprotect tracker needs, without one: arming it installs a signal handler that stays.
Status try_mprotect(Backing backing) {
  const auto page = make_page(backing);
  if (!page.ok()) return page.status();
  const AddressRange range = page.value().memory->guest_range({0, 1});
  if (::mprotect(reinterpret_cast<void*>(range.start), range.bytes, PROT_READ) != 0) {
    return Status::from_errno("mprotect of a page of guest memory");
  }
  return WriteTrap::available();
}

// Installs a page the way the post-copy path does, before anyone touches it.
Status try_post_copy(Backing backing, FaultSource needed) {
  auto page = make_page(backing);
  if (!page.ok()) return page.status();
  const GuestMemory& memory = *page.value().memory;
  const bool shared = backing == Backing::kShared;
  UserFaultFd::Features wanted;
  wanted.missing_shared = shared;
  wanted.minor_shared = shared;
  auto uffd = memory.open_userfaultfd(wanted, needed);
  if (!uffd.ok()) return uffd.status();
  const AddressRange range = memory.guest_range({0, 1});
  const FaultMode mode = shared ? FaultMode::kMissing | FaultMode::kMinor : FaultMode::kMissing;
  if (Status status = uffd.value().register_range(range, mode); !status.ok()) return status;
  if (!shared) return uffd.value().zero(range);
  *memory.engine_page(0) = std::byte{1};
  return uffd.value().continue_range(range);
}

// Whether memory for a guest that arrives is populated in huge pages.
Status try_huge_pages() {
  auto memory = GuestMemory::create_shared({kHugePageBytes});
  if (!memory.ok()) return memory.status();
  if (make_huge_pages(memory.value()->engine_page(0), kHugePageBytes).ok()) return Status();
  return Status(StatusCode::kUnsupported,
                "this kernel makes no huge pages of shared memory on demand, and populating memory "
                "takes several times as long");
}

Status try_userfaultfd() {
  auto features = UserFaultFd::probe();
  return features.status();
}

Status try_pagemap_scan() {
  if (Pagemap::scan_is_offered()) return Status();
  return Status(StatusCode::kUnsupported, "this kernel has no PAGEMAP_SCAN");
}

Capability capability(std::string_view name, const Status& status, const char* kernel_remedy) {
  if (status.ok()) return {std::string(name), true, "", ""};
  const bool permission = status.code() == StatusCode::kNoPermission;
  return {
      std::string(name), false,
      permission ? "this user may not open a userfaultfd that sees every fault" : status.message(),
      permission ? kPermissionRemedy : kernel_remedy};
}

}  // namespace

TrackerProbe probe_trackers(Backing backing) {
  const bool shared = backing == Backing::kShared;
  const Status async_status = try_tracker(TrackerKind::kUffdWpAsync, backing);
  const Status sync_status = try_tracker(TrackerKind::kUffdWpSync, backing);
  const char* post_copy_remedy = shared ? "use Linux 5.14 or later" : "use Linux 4.3 or later";
  TrackerProbe probe;
  probe.kernel = kernel_release();
  probe.capabilities = {
      capability("userfaultfd", try_userfaultfd(), "use a kernel built with CONFIG_USERFAULTFD"),
      capability("pagemap-scan", try_pagemap_scan(), "use Linux 6.7 or later"),
      capability("uffd-wp-async", async_status, "use Linux 6.7 or later"),
      capability("uffd-wp-sync", sync_status,
                 shared ? "use Linux 5.19 or later" : "use Linux 5.7 or later"),
      capability("mprotect", try_mprotect(backing),
                 "use a uffd tracker, or remove what replaces the SIGSEGV handler"),
      capability("post-copy", try_post_copy(backing, FaultSource::kAnyMode), post_copy_remedy),
      capability("post-copy-user-mode", try_post_copy(backing, FaultSource::kUserMode),
                 post_copy_remedy),
      capability("huge-pages", try_huge_pages(),
                 "use Linux 6.1 or later, built with CONFIG_TRANSPARENT_HUGEPAGE; should "
                 "/sys/kernel/mm/transparent_hugepage/shmem_enabled say [deny]: echo never > that "
                 "file. Until then have memory ready before a guest comes: pageferry destination "
                 "--prepare SIZE"),
  };
  probe.chosen = async_status.ok()  ? TrackerKind::kUffdWpAsync
                 : sync_status.ok() ? TrackerKind::kUffdWpSync
                                    : TrackerKind::kMprotect;
  return probe;
}

}  // namespace pageferry
