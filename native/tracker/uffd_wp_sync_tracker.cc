#include "tracker/uffd_wp_sync_tracker.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "os/contained.h"

namespace pageferry {

namespace {

// How many pages a harvest handles while writers that fault must wait.
constexpr std::uint64_t kPagesPerLock = 4096;

}  // namespace

UffdWpSyncTracker::UffdWpSyncTracker(std::shared_ptr<GuestMemory> memory,
                                     OnTrackerFailure on_failure)
    : memory_(std::move(memory)),
      on_failure_(std::move(on_failure)),
      written_(memory_->page_count()) {}

UffdWpSyncTracker::~UffdWpSyncTracker() { static_cast<void>(disarm()); }

Status UffdWpSyncTracker::arm() {
  if (Status status = disarm(); !status.ok()) return status;
  // Without WP_UNPOPULATED the kernel leaves holes of private memory alone: a first write to one is
  // not delivered but found by find_untrapped, and holes stay recognisable as holes.
  UserFaultFd::Features wanted;
  wanted.write_protect = true;
  wanted.write_protect_shared = memory_->backing() == Backing::kShared;
  auto protection = WriteProtection::start(*memory_, wanted);
  if (!protection.ok()) return protection.status();
  if (memory_->pagemap().write_protect_is_async(memory_->regions().front().guest_range())) {
    return Status(StatusCode::kUnsupported,
                  "the guest's userfaultfd is in async write-protect mode, which delivers no "
                  "faults; use the uffd-wp-async tracker");
  }
  protection_.emplace(std::move(protection.value()));
  written_.clear_all();
  {
    const MutexLock lock(fault_mutex_);
    failure_ = Status();
    failed_.store(false, std::memory_order_release);
  }
  Status status = start_handler();
  if (status.ok()) status = protect();
  if (!status.ok()) static_cast<void>(disarm());
  return status;
}

Status UffdWpSyncTracker::protect() {
  chunks_.emplace(*memory_, [this](AddressRange range) {
    return protection_->uffd().write_protect(range, true);
  });
  return memory_->backing() == Backing::kShared ? chunks_->arm_populated()
                                                : protection_->protect_all();
}

Status UffdWpSyncTracker::start_handler() {
  stop_event_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop_event_) return Status::from_errno("eventfd");
  auto handler = NativeThread::start("uffd-wp-sync", [this]() noexcept { run(); });
  if (!handler.ok()) return handler.status();
  handler_.emplace(std::move(handler.value()));
  return Status();
}

Status UffdWpSyncTracker::disarm() {
  if (!protection_) return Status();
  if (handler_.has_value()) {
    // The handler stops first: it uses the registration. Writers that fault in between wait until
    // the registration goes, which wakes them.
    ::eventfd_write(stop_event_.get(), 1);
    handler_.reset();  // Joins it.
  }
  protection_.reset();
  return Status();
}

void UffdWpSyncTracker::run() noexcept {
  Status ended = contained([this] { return handle_faults(); });
  if (!ended.ok()) give_up(std::move(ended));
}

// Ends well only when it is told to.
Status UffdWpSyncTracker::handle_faults() {
  std::array<FaultEvent, 64> events;
  for (;;) {
    pollfd waits[2] = {{protection_->uffd().fd(), POLLIN, 0}, {stop_event_.get(), POLLIN, 0}};
    if (::poll(waits, 2, -1) < 0) {
      if (errno == EINTR) continue;
      return Status::from_errno("poll of a userfaultfd");
    }
    if (waits[1].revents != 0) return Status();
    // A descriptor that another process has set to blocking: a read would not return to hear of a stop.
    if ((waits[0].revents & (POLLERR | POLLNVAL)) != 0) {
      return Status(StatusCode::kSystem, "poll of a userfaultfd reports an error");
    }
    const auto count = protection_->uffd().read_events(events);
    if (!count.ok()) return count.status();
    if (Status resolved = resolve({events.data(), count.value()}); !resolved.ok()) return resolved;
  }
}

// Nobody records writes any more, so no write may wait to be recorded.
void UffdWpSyncTracker::give_up(Status failure) {
  const Status told(failure.code(), "the uffd-wp-sync tracker cannot go on: " + failure.message(),
                    failure.system_error());
  {
    const MutexLock lock(fault_mutex_);
    failure_ = told;
    failed_.store(true, std::memory_order_release);
  }
  protection_->lift();
  on_failure_(told);
}

Status UffdWpSyncTracker::check_tracking() const {
  if (!protection_) return Status(StatusCode::kInvalidArgument, "the dirty tracker is not armed");
  if (!failed_.load(std::memory_order_acquire)) return Status();
  const MutexLock lock(fault_mutex_);
  return failure_;
}

Status UffdWpSyncTracker::resolve(std::span<const FaultEvent> events) {
  const MutexLock lock(fault_mutex_);
  for (const FaultEvent& event : events) {
    const PageIndex page = memory_->page_at(event.address);
    if (page == memory_->page_count()) continue;
    written_.set(page);
    const Status freed = protection_->uffd().write_protect(memory_->guest_range({page, 1}), false);
    // The guest's process may be gone, and its writer with it.
    if (!freed.ok() && freed.system_error() != ESRCH) return freed;
  }
  return Status();
}

// Private memory: adds pages that came into being unprotected, so that their writes did not trap.
Status UffdWpSyncTracker::find_untrapped(PageRange part, PageBitmap& found) const {
  if (memory_->backing() == Backing::kShared) return Status();
  return memory_->pagemap().scan_unprotected(memory_->guest_range(part), [&](AddressRange run) {
    found.set_range({memory_->page_at(run.start), run.bytes / kPageBytes});
  });
}

Status UffdWpSyncTracker::harvest(PageRange range, PageBitmap& dirty) {
  if (Status tracking = check_tracking(); !tracking.ok()) return tracking;
  Status status;
  chunks_->for_each_armed(range, [&](const Region&, PageRange part) {
    while (status.ok() && part.count > 0) {
      const std::uint64_t count = std::min(part.count, kPagesPerLock);
      status = harvest_part({part.first, count}, dirty);
      part = {part.first + count, part.count - count};
    }
  });
  if (status.ok()) status = chunks_->harvest_unarmed(range, dirty);
  // Its failure is the reason of any other.
  if (Status tracking = check_tracking(); !tracking.ok()) return tracking;
  return status;
}

Status UffdWpSyncTracker::harvest_part(PageRange part, PageBitmap& dirty) {
  const MutexLock lock(fault_mutex_);
  if (Status status = find_untrapped(part, written_); !status.ok()) return status;
  Status status;
  written_.for_each_run(part, [&](PageRange run) {
    if (!status.ok()) return;
    status = protection_->uffd().write_protect(memory_->guest_range(run), true);
    if (!status.ok()) return;
    written_.clear_range(run);
    dirty.set_range(run);
  });
  return status;
}

Status UffdWpSyncTracker::peek(PageRange range, PageBitmap& dirty) {
  if (Status tracking = check_tracking(); !tracking.ok()) return tracking;
  Status status;
  chunks_->for_each_armed(range, [&](const Region&, PageRange part) {
    written_.for_each_run(part, [&](PageRange run) { dirty.set_range(run); });
    if (status.ok()) status = find_untrapped(part, dirty);
  });
  if (status.ok()) status = chunks_->peek_unarmed(range, dirty);
  if (Status tracking = check_tracking(); !tracking.ok()) return tracking;
  return status;
}

}  // namespace pageferry
