#include "os/write_trap.h"

#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <atomic>

#include "os/mutex.h"

namespace pageferry {

namespace {

// A range and its owner. The handler pins a slot before it uses the owner, so that removal can wait.
struct Slot {
  std::atomic<std::uint64_t> start{0};
  std::atomic<std::uint64_t> end{0};
  std::atomic<WriteTrapOwner*> owner{nullptr};
  std::atomic<std::uint32_t> pins{0};

  bool contains(std::uint64_t address) const {
    return address >= start.load(std::memory_order_acquire) &&
           address < end.load(std::memory_order_acquire);
  }
};

// Process-wide, because a signal handler is.
constinit std::array<Slot, 128> slots;
constinit Mutex slots_mutex;  // Guards changes to slots, too.
constinit bool handler_installed GUARDED_BY(slots_mutex) = false;
std::atomic<std::uint64_t> installs{0};  // Counts installed traps, before their pages are closed.
struct sigaction previous_action;        // Written once, before our handler is installed.

// A jump into guest memory faults too; making the page writable would not help it.
bool is_write_fault([[maybe_unused]] const siginfo_t& info,
                    [[maybe_unused]] const ucontext_t& context) {
  if (info.si_code != SEGV_ACCERR) return false;
#if defined(__x86_64__)
  return context.uc_mcontext.gregs[REG_ERR] & 2;
#elif defined(__aarch64__)
  return context.uc_mcontext.pc != reinterpret_cast<std::uintptr_t>(info.si_addr);
#else
  return true;
#endif
}

bool hand_to_owner(std::uint64_t address) {
  for (Slot& slot : slots) {
    if (!slot.contains(address)) continue;
    slot.pins.fetch_add(1);
    WriteTrapOwner* owner = slot.owner.load();
    // The slot may have been given to another range between the two checks.
    const bool handled =
        owner != nullptr && slot.contains(address) && owner->on_write_fault(address);
    slot.pins.fetch_sub(1);
    if (handled) return true;
  }
  return false;
}

// A fault may reach the handler after its page became writable (a disarm came between). Adding zero
// through the kernel tells whether a write succeeds now, without changing the byte or faulting.
bool is_writable_now(std::uint64_t address) {
  std::uint32_t unused = 0;
  const long result = ::syscall(SYS_futex, &unused, FUTEX_WAKE_OP_PRIVATE, 0, nullptr,
                                address & ~std::uint64_t{3}, FUTEX_OP(FUTEX_OP_ADD, 0, 0, 0));
  return result >= 0;
}

// The previous handler runs with the signal mask that it asked for.
void set_mask_for_previous(const ucontext_t& context) {
  sigset_t mask = context.uc_sigmask;
  for (int signal = 1; signal < SIGRTMAX; ++signal) {
    if (sigismember(&previous_action.sa_mask, signal) == 1) sigaddset(&mask, signal);
  }
  if (!(previous_action.sa_flags & SA_NODEFER)) sigaddset(&mask, SIGSEGV);
  ::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
}

// Default action: on return the faulting instruction runs again and ends the process; a signal that
// somebody sent does not come by itself a second time.
void die_by_default(int signal, const siginfo_t& info) {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  ::sigaction(signal, &action, nullptr);
  if (info.si_code <= 0) ::syscall(SYS_tgkill, ::getpid(), ::syscall(SYS_gettid), signal);
}

void pass_on(int signal, siginfo_t* info, void* raw_context) {
  const bool sent = info->si_code <= 0;
  if (previous_action.sa_flags & SA_SIGINFO) {
    set_mask_for_previous(*static_cast<ucontext_t*>(raw_context));
    previous_action.sa_sigaction(signal, info, raw_context);
  } else if (previous_action.sa_handler == SIG_IGN && sent) {
    return;
  } else if (previous_action.sa_handler == SIG_DFL || previous_action.sa_handler == SIG_IGN) {
    die_by_default(signal, *info);
  } else {
    set_mask_for_previous(*static_cast<ucontext_t*>(raw_context));
    previous_action.sa_handler(signal);
  }
}

bool handle(std::uint64_t address) {
  for (;;) {
    const std::uint64_t seen = installs.load();
    if (hand_to_owner(address) || is_writable_now(address)) return true;
    // A trap that was installed meanwhile may have closed the page after it had no owner.
    if (installs.load() == seen) return false;
  }
}

void on_segv(int signal, siginfo_t* info, void* raw_context) {
  const int saved_errno = errno;
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  const bool handled =
      is_write_fault(*info, *static_cast<ucontext_t*>(raw_context)) && handle(address);
  errno = saved_errno;
  if (!handled) pass_on(signal, info, raw_context);
}

bool is_ours(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) && action.sa_sigaction == on_segv;
}

// The handler that is there, which is either ours or one that ours may go on top of.
Result<struct sigaction> find_handler() REQUIRES(slots_mutex) {
  struct sigaction current {};
  if (::sigaction(SIGSEGV, nullptr, &current) != 0) return Status::from_errno("sigaction");
  if (handler_installed && !is_ours(current)) {
    // Installing on top again would make a loop if that handler passes faults on to ours.
    return Status(StatusCode::kUnsupported,
                  "another SIGSEGV handler was installed over Pageferry's; use a uffd tracker, or "
                  "install that handler before the first mprotect tracker is armed");
  }
  return current;
}

Status install_handler() REQUIRES(slots_mutex) {
  const auto current = find_handler();
  if (!current.ok()) return current.status();
  if (is_ours(current.value())) return Status();
  previous_action = current.value();
  struct sigaction ours {};
  ours.sa_sigaction = on_segv;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  // Nothing may stop a writer between making its page writable and recording it.
  sigfillset(&ours.sa_mask);
  if (::sigaction(SIGSEGV, &ours, nullptr) != 0) return Status::from_errno("sigaction");
  handler_installed = true;
  return Status();
}

}  // namespace

Status WriteTrap::available() {
  const MutexLock lock(slots_mutex);
  return find_handler().status();
}

Result<WriteTrap> WriteTrap::install(AddressRange range, WriteTrapOwner& owner) {
  const MutexLock lock(slots_mutex);
  if (Status status = install_handler(); !status.ok()) return status;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    Slot& slot = slots[i];
    if (slot.owner.load() != nullptr) continue;
    slot.start.store(range.start);
    slot.end.store(range.start + range.bytes);
    slot.owner.store(&owner);
    installs.fetch_add(1);
    return WriteTrap(i);
  }
  return Status(StatusCode::kNoMemory, "this process tracks too many regions with mprotect (128)");
}

WriteTrap::~WriteTrap() {
  if (slot_ == kNoSlot) return;
  slots[slot_].owner.store(nullptr);
  // A handler that saw the owner pinned the slot before it looked.
  while (slots[slot_].pins.load() != 0) ::sched_yield();
}

}  // namespace pageferry
