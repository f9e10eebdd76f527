#include "os/userfaultfd.h"

#include <fcntl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>

#include "os/kernel_abi.h"

namespace pageferry {

namespace {

constexpr std::uint64_t kKernelPageBytes = 4096;

constexpr const char* kPermissionAdvice =
    "this user may not open a userfaultfd: run as root or with CAP_SYS_PTRACE, or set "
    "vm.unprivileged_userfaultfd=1, or make /dev/userfaultfd readable and writable";

std::uint64_t feature_bits(const UserFaultFd::Features& wanted) {
  std::uint64_t bits = 0;
  if (wanted.write_protect) bits |= UFFD_FEATURE_PAGEFAULT_FLAG_WP;
  if (wanted.write_protect_shared) bits |= UFFD_FEATURE_WP_HUGETLBFS_SHMEM;
  if (wanted.write_protect_unpopulated) bits |= UFFD_FEATURE_WP_UNPOPULATED;
  if (wanted.write_protect_async) bits |= UFFD_FEATURE_WP_ASYNC;
  if (wanted.missing_shared) bits |= UFFD_FEATURE_MISSING_SHMEM;
  if (wanted.minor_shared) bits |= UFFD_FEATURE_MINOR_SHMEM;
  return bits;
}

UserFaultFd::Features features_of(std::uint64_t bits) {
  UserFaultFd::Features features;
  features.write_protect = bits & UFFD_FEATURE_PAGEFAULT_FLAG_WP;
  features.write_protect_shared = bits & UFFD_FEATURE_WP_HUGETLBFS_SHMEM;
  features.write_protect_unpopulated = bits & UFFD_FEATURE_WP_UNPOPULATED;
  features.write_protect_async = bits & UFFD_FEATURE_WP_ASYNC;
  features.missing_shared = bits & UFFD_FEATURE_MISSING_SHMEM;
  features.minor_shared = bits & UFFD_FEATURE_MINOR_SHMEM;
  return features;
}

// Faults that a system call takes must be delivered too, or a guest's read(2) would fail: the plain
// system call first, then the device that an administrator may have opened up.
Result<UniqueFd> open_for_all_faults() {
  UniqueFd fd(static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK)));
  if (fd) return fd;
  if (errno == ENOSYS) {
    return Status(StatusCode::kUnsupported, "this kernel is built without userfaultfd", ENOSYS);
  }
  if (errno != EPERM) return Status::from_errno("userfaultfd");
  UniqueFd device(::open("/dev/userfaultfd", O_RDWR | O_CLOEXEC));
  if (device) fd = UniqueFd(::ioctl(device.get(), USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK));
  if (fd) return fd;
  return Status(StatusCode::kNoPermission, kPermissionAdvice, EPERM);
}

Result<UniqueFd> open_descriptor(FaultSource needed) {
  auto opened = open_for_all_faults();
  if (opened.ok() || opened.status().code() != StatusCode::kNoPermission ||
      needed == FaultSource::kAnyMode) {
    return opened;
  }
  UniqueFd fd(
      static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY)));
  if (fd) return fd;
  return opened;
}

uffdio_range to_kernel(AddressRange range) { return {range.start, range.bytes}; }

// Runs `step(offset, bytes, &done)` until the whole range is installed. A step stops early at a page
// that is already mapped (EEXIST) or when the address space is changing (EAGAIN), having done
// `done` bytes.
template <class Step>
Status install(const UserFaultFd& uffd, AddressRange range, const char* what, Step step) {
  bool skipped = false;
  std::uint64_t offset = 0;
  while (offset < range.bytes) {
    std::int64_t done = 0;
    if (step(offset, range.bytes - offset, &done) == 0) break;
    const int error = errno;
    if (done > 0) {
      offset += static_cast<std::uint64_t>(done);
    } else if (error == EEXIST) {
      offset += kKernelPageBytes;
      skipped = true;
    } else if (error != EAGAIN && error != EINTR) {
      return Status::from_errno(what, error);
    }
  }
  // The kernel wakes only the waiters of pages that this call mapped.
  return skipped ? uffd.wake(range) : Status();
}

FaultEvent to_event(const uffd_msg& message) {
  const auto flags = message.arg.pagefault.flags;
  FaultKind kind = FaultKind::kMissing;
  if (flags & UFFD_PAGEFAULT_FLAG_WP) {
    kind = FaultKind::kWriteProtect;
  } else if (flags & UFFD_PAGEFAULT_FLAG_MINOR) {
    kind = FaultKind::kMinor;
  }
  return {message.arg.pagefault.address & ~(kKernelPageBytes - 1), kind};
}

}  // namespace

Result<UserFaultFd::Features> UserFaultFd::probe() {
  auto fd = open_for_all_faults();
  if (!fd.ok()) return fd.status();
  uffdio_api api{};
  api.api = UFFD_API;
  if (::ioctl(fd.value().get(), UFFDIO_API, &api) != 0) return Status::from_errno("UFFDIO_API");
  return features_of(api.features);
}

Result<UserFaultFd> UserFaultFd::open(const Features& wanted, FaultSource needed) {
  auto fd = open_descriptor(needed);
  if (!fd.ok()) return fd.status();
  uffdio_api api{};
  api.api = UFFD_API;
  api.features = feature_bits(wanted);
  if (::ioctl(fd.value().get(), UFFDIO_API, &api) != 0) {
    if (errno != EINVAL) return Status::from_errno("UFFDIO_API");
    return Status(StatusCode::kUnsupported,
                  "this kernel's userfaultfd lacks a feature that this mode needs", EINVAL);
  }
  return UserFaultFd(std::move(fd.value()));
}

Result<UserFaultFd> UserFaultFd::adopt(UniqueFd fd, const Features& wanted) {
  uffdio_api api{};
  api.api = UFFD_API;
  api.features = feature_bits(wanted);
  if (::ioctl(fd.get(), UFFDIO_API, &api) != 0 && errno != EINVAL) {
    return Status::from_errno("UFFDIO_API on a passed descriptor, which must be a userfaultfd");
  }
  // poll() on a blocking userfaultfd reports an error.
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return Status::from_errno("fcntl on a passed userfaultfd");
  }
  return UserFaultFd(std::move(fd));
}

Status UserFaultFd::register_range(AddressRange range, FaultMode mode) const {
  const auto wanted = static_cast<std::uint32_t>(mode);
  uffdio_register request{};
  request.range = to_kernel(range);
  if (wanted & static_cast<std::uint32_t>(FaultMode::kMissing)) {
    request.mode |= UFFDIO_REGISTER_MODE_MISSING;
  }
  if (wanted & static_cast<std::uint32_t>(FaultMode::kWriteProtect)) {
    request.mode |= UFFDIO_REGISTER_MODE_WP;
  }
  if (wanted & static_cast<std::uint32_t>(FaultMode::kMinor)) {
    request.mode |= UFFDIO_REGISTER_MODE_MINOR;
  }
  if (::ioctl(fd_.get(), UFFDIO_REGISTER, &request) == 0) return Status();
  if (errno == EBUSY) {
    return Status(StatusCode::kSystem,
                  "UFFDIO_REGISTER: another userfaultfd already holds this memory", EBUSY);
  }
  return Status::from_errno("UFFDIO_REGISTER");
}

Status UserFaultFd::unregister_range(AddressRange range) const {
  uffdio_range request = to_kernel(range);
  if (::ioctl(fd_.get(), UFFDIO_UNREGISTER, &request) != 0) {
    return Status::from_errno("UFFDIO_UNREGISTER");
  }
  // The kernel wakes the waiters before it lifts the registration. A thread whose fault comes in
  // between would wait for ever.
  return wake(range);
}

Status UserFaultFd::write_protect(AddressRange range, bool protect) const {
  uffdio_writeprotect request{};
  request.range = to_kernel(range);
  request.mode = protect ? UFFDIO_WRITEPROTECT_MODE_WP : 0;
  while (::ioctl(fd_.get(), UFFDIO_WRITEPROTECT, &request) != 0) {
    if (errno != EAGAIN && errno != EINTR) return Status::from_errno("UFFDIO_WRITEPROTECT");
  }
  return Status();
}

Result<std::size_t> UserFaultFd::read_events(std::span<FaultEvent> events) const {
  std::array<uffd_msg, 64> messages;
  const std::size_t wanted = std::min(events.size(), messages.size());
  if (wanted == 0) return std::size_t{0};
  const ssize_t got = ::read(fd_.get(), messages.data(), wanted * sizeof(uffd_msg));
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return std::size_t{0};
    return Status::from_errno("read of a userfaultfd");
  }
  if (got == 0) return Status(StatusCode::kSystem, "read of a userfaultfd: it has ended");
  const std::size_t count = static_cast<std::size_t>(got) / sizeof(uffd_msg);
  std::size_t filled = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (messages[i].event == UFFD_EVENT_PAGEFAULT) events[filled++] = to_event(messages[i]);
  }
  return filled;
}

Status UserFaultFd::continue_range(AddressRange range) const {
  return install(*this, range, "UFFDIO_CONTINUE",
                 [&](std::uint64_t offset, std::uint64_t bytes, std::int64_t* done) {
                   uffdio_continue request{};
                   request.range = {range.start + offset, bytes};
                   const int result = ::ioctl(fd_.get(), UFFDIO_CONTINUE, &request);
                   *done = request.mapped;
                   return result;
                 });
}

Status UserFaultFd::copy(std::uint64_t destination, const std::byte* source,
                         std::size_t bytes) const {
  return install(*this, {destination, bytes}, "UFFDIO_COPY",
                 [&](std::uint64_t offset, std::uint64_t left, std::int64_t* done) {
                   uffdio_copy request{};
                   request.dst = destination + offset;
                   request.src = reinterpret_cast<std::uintptr_t>(source) + offset;
                   request.len = left;
                   const int result = ::ioctl(fd_.get(), UFFDIO_COPY, &request);
                   *done = request.copy;
                   return result;
                 });
}

Status UserFaultFd::zero(AddressRange range) const {
  return install(*this, range, "UFFDIO_ZEROPAGE",
                 [&](std::uint64_t offset, std::uint64_t bytes, std::int64_t* done) {
                   uffdio_zeropage request{};
                   request.range = {range.start + offset, bytes};
                   const int result = ::ioctl(fd_.get(), UFFDIO_ZEROPAGE, &request);
                   *done = request.zeropage;
                   return result;
                 });
}

Status UserFaultFd::wake(AddressRange range) const {
  uffdio_range request = to_kernel(range);
  if (::ioctl(fd_.get(), UFFDIO_WAKE, &request) == 0) return Status();
  return Status::from_errno("UFFDIO_WAKE");
}

}  // namespace pageferry
