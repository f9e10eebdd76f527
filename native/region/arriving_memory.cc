#include "region/arriving_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

namespace pageferry {

namespace {

// Pages claimed and published, or mapped, at a time: long enough to be fast, short enough that a demand
// fault waits long neither for a page that is claimed nor for the address space's lock.
constexpr std::uint64_t kRunPages = 256;

UserFaultFd::Features serving_features(Backing backing) {
  UserFaultFd::Features wanted;
  wanted.missing_shared = backing == Backing::kShared;
  wanted.minor_shared = backing == Backing::kShared;
  return wanted;
}

}  // namespace

ArrivingMemory::ArrivingMemory(std::shared_ptr<GuestMemory> memory)
    : memory_(std::move(memory)),
      in_object_(memory_->page_count()),
      unclaimed_(memory_->page_count()),
      missing_(memory_->page_count()) {}

ArrivingMemory::~ArrivingMemory() { memory_->end_waits(); }

void ArrivingMemory::populate_ahead(const std::vector<PageRange>& parts,
                                    Populator::OnDone on_done) {
  populator_.emplace(memory_, parts, in_object_, std::move(on_done));
}

Result<std::uint64_t> ArrivingMemory::store(PageRange run, const std::byte* data) {
  if (phase() == Phase::kCopying) {
    std::memcpy(landing(run.first), data, memory_->guest_range(run).bytes);
    landed(run);
    return run.count;
  }
  return publish_claimed(run, [&](PageRange claimed) {
    const std::uint64_t offset = memory_->guest_range({run.first, claimed.first - run.first}).bytes;
    return publish(claimed, data + offset);
  });
}

Result<std::uint64_t> ArrivingMemory::store_zero(PageRange run) {
  if (phase() == Phase::kCopying) {
    write_zeros(run);
    return run.count;
  }
  return publish_claimed(run, [this](PageRange claimed) { return publish_zero(claimed); });
}

// Claims what nobody else has claimed of the run and publishes it, stretch by stretch; answers how many
// pages that were.
template <class Publish>
Result<std::uint64_t> ArrivingMemory::publish_claimed(PageRange run, Publish publish) {
  std::uint64_t pages = 0;
  for (PageIndex at = run.first; at < run.end(); ++at) {
    PageRange stretch = {at, 0};
    while (stretch.end() < run.end() && stretch.count < kRunPages &&
           unclaimed_.take(stretch.end())) {
      ++stretch.count;
    }
    if (stretch.count == 0) continue;
    if (Status published = publish(stretch); !published.ok()) return published;
    pages += stretch.count;
    at = stretch.end() - 1;
  }
  return pages;
}

Status ArrivingMemory::publish(PageRange run, const std::byte* data) {
  const AddressRange range = memory_->guest_range(run);
  Status mapped;
  if (memory_->backing() == Backing::kPrivate) {
    // The copy makes the page visible. The fault handler may still read a fault that the copy has woken
    // and find the page missing: then it asks for it, and the answer is a duplicate.
    mapped = userfaultfd_.copy(range.start, data, range.bytes);
    if (mapped.ok()) missing_.clear_range(run);
  } else {
    std::memcpy(memory_->engine_page(run.first), data, range.bytes);
    // No longer missing before it is mapped: a fault that the handler reads after this line is answered
    // by map(), one that it read before is already waiting and is woken by the next line.
    missing_.clear_range(run);
    mapped = userfaultfd_.continue_range(range);
  }
  if (!mapped.ok()) return mapped;
  waiting_.record(waiting_.take(run));
  count_published(run);
  return Status();
}

Status ArrivingMemory::publish_zero(PageRange run) {
  // Private pages that are missing hold nothing.
  if (memory_->backing() == Backing::kShared) write_zeros(run);
  missing_.clear_range(run);
  // A page that holds nothing stays a hole: whoever touches it is given zeros by map(). Where a thread
  // waits it is mapped now, because that thread, once woken, would fault again.
  const auto waiting = waiting_.take(run);
  for (const WaitingFaults::Fault& fault : waiting) {
    if (Status mapped = map_zero(fault.page); !mapped.ok()) return mapped;
  }
  if (Status woken = userfaultfd_.wake(memory_->guest_range(run)); !woken.ok()) return woken;
  waiting_.record(waiting);
  count_published(run);
  return Status();
}

// What the engine never wrote is zero already.
void ArrivingMemory::write_zeros(PageRange run) {
  in_object_.for_each_run(run, [this](PageRange stale) {
    std::memset(memory_->engine_page(stale.first), 0, memory_->guest_range(stale).bytes);
  });
}

Status ArrivingMemory::map_zero(PageIndex page) const {
  const AddressRange range = memory_->guest_range({page, 1});
  const bool in_memory_object = memory_->backing() == Backing::kShared && in_object_.test(page);
  return in_memory_object ? userfaultfd_.continue_range(range) : userfaultfd_.zero(range);
}

void ArrivingMemory::count_published(PageRange run) {
  const auto before = pages_missing_.fetch_sub(run.count, std::memory_order_acq_rel);
  if (before == run.count) on_complete_();
}

Status ArrivingMemory::mark_missing(PageRange run) {
  if (phase() != Phase::kCopying) {
    return Status(StatusCode::kProtocol, "pages were announced as missing after the final round");
  }
  unclaimed_.set_range(run);
  missing_.set_range(run);
  return Status();
}

// True when the application is in place.
bool ArrivingMemory::begin_application() {
  const MutexLock lock(records_mutex_);
  if (phase() != Phase::kCopying) return false;
  ++records_in_place_;
  return true;
}

void ArrivingMemory::end_application() {
  const MutexLock lock(records_mutex_);
  --records_in_place_;
}

// A record that is being applied in place is written to while it is received, which nothing may be once
// the guest runs.
Status ArrivingMemory::check_no_record_in_place() const {
  if (records_in_place_ == 0) return Status();
  return Status(StatusCode::kProtocol, "a record came after the final round's last sync");
}

Status ArrivingMemory::register_all() const {
  const bool shared = memory_->backing() == Backing::kShared;
  const FaultMode mode = shared ? FaultMode::kMissing | FaultMode::kMinor : FaultMode::kMissing;
  const auto& regions = memory_->regions();
  for (std::size_t i = 0; i < regions.size(); ++i) {
    Status registered = userfaultfd_.register_range(regions[i].guest_range(), mode);
    if (registered.ok()) continue;
    // The descriptor of a guest in another process outlives ours, and so would what it registered.
    for (std::size_t j = 0; j < i; ++j) {
      (void)userfaultfd_.unregister_range(regions[j].guest_range());
    }
    return registered;
  }
  return Status();
}

// Takes from the guest what it could see of the missing pages: old copies in private memory, and in
// shared memory whatever somebody mapped by looking at it before.
Status ArrivingMemory::hide_missing() const {
  if (!memory_->local()) return Status();
  Status hidden;
  const auto drop = [&](PageRange run) {
    const AddressRange range = memory_->guest_range(run);
    auto* start = reinterpret_cast<void*>(static_cast<std::uintptr_t>(range.start));
    if (!hidden.ok() || ::madvise(start, range.bytes, MADV_DONTNEED) == 0) return;
    hidden = Status::from_errno("hiding the missing pages from the guest");
  };
  if (memory_->backing() == Backing::kShared) {
    // The whole mapping in one call, not thousands of runs while nobody runs the guest: the pages stay
    // in the memory object, and map_arrived() maps the complete ones again.
    for (const Region& region : memory_->regions()) drop(region.pages());
    return hidden;
  }
  missing_.for_each_run(missing_.all(), [&](PageRange run) {
    memory_->for_each_region(run, [&](const Region&, PageRange part) { drop(part); });
  });
  return hidden;
}

Status ArrivingMemory::start_serving(std::function<void()> on_complete, FaultSource needed) {
  // Of memory that is registered for missing pages the kernel makes no huge pages.
  if (populator_) populator_->stop();
  {
    const MutexLock lock(records_mutex_);
    if (Status quiet = check_no_record_in_place(); !quiet.ok()) return quiet;
    auto opened = memory_->open_userfaultfd(serving_features(memory_->backing()), needed);
    if (!opened.ok()) return opened.status();
    userfaultfd_ = std::move(opened.value());
    if (Status registered = register_all(); !registered.ok()) return registered;
    Status waiting = memory_->begin_waits([this] { (void)unregister(); });
    if (waiting.ok()) waiting = hide_missing();
    if (!waiting.ok()) {
      (void)unregister();
      memory_->end_waits();
      return waiting;
    }
    on_complete_ = std::move(on_complete);
    pages_missing_.store(missing_.count(), std::memory_order_release);
    phase_.store(Phase::kServing, std::memory_order_release);
  }
  if (pages_missing() == 0) on_complete_();
  return Status();
}

Status ArrivingMemory::complete() {
  // Not waited for: the guest may be paused, and populating changes nothing that it could see.
  if (populator_) populator_->cancel();
  {
    const MutexLock lock(records_mutex_);
    if (Status quiet = check_no_record_in_place(); !quiet.ok()) return quiet;
    if (phase() == Phase::kCopying && missing_.count() > 0) {
      return Status(
          StatusCode::kProtocol,
          "pages were announced as missing in a migration that does not go on with post-copy");
    }
    unclaimed_.clear_all();
    if (phase_.exchange(Phase::kComplete, std::memory_order_acq_rel) != Phase::kServing) {
      return Status();
    }
  }
  memory_->end_waits();
  return unregister();
}

Status ArrivingMemory::unregister() const {
  for (const Region& region : memory_->regions()) {
    const Status lifted = userfaultfd_.unregister_range(region.guest_range());
    if (!lifted.ok()) return lifted;
  }
  return Status();
}

Status ArrivingMemory::map(PageIndex page, FaultKind kind) {
  const AddressRange range = memory_->guest_range({page, 1});
  const auto waiting = waiting_.take({page, 1});
  // A fault of kind missing on a page that is not: nothing was written there, so it is zero; or it was
  // written since, then the call finds a page, maps nothing and wakes the thread.
  Status mapped =
      kind == FaultKind::kMissing ? userfaultfd_.zero(range) : userfaultfd_.continue_range(range);
  // complete() lifts the registration, which wakes every thread, perhaps after this fault was read.
  if (phase() == Phase::kComplete) mapped = Status();
  if (mapped.ok()) waiting_.record(waiting);
  return mapped;
}

Status ArrivingMemory::map_arrived(const std::atomic<bool>& cancelled) {
  if (memory_->backing() == Backing::kPrivate) return Status();  // They are mapped already.
  PageIndex at = 0;
  const PageIndex end = memory_->page_count();
  Status failure;
  while (failure.ok() && !cancelled.load(std::memory_order_relaxed)) {
    at = in_object_.next_set(at, end);
    if (at >= end) break;
    PageRange run = {at, std::min(in_object_.next_clear(at, end) - at, kRunPages)};
    at = run.end();
    // The rest is mapped by whoever publishes it.
    for (PageIndex from = missing_.next_clear(run.first, run.end()); from < run.end();) {
      const PageIndex to = missing_.next_set(from, run.end());
      memory_->for_each_region({from, to - from}, [&](const Region&, PageRange part) {
        if (failure.ok()) failure = userfaultfd_.continue_range(memory_->guest_range(part));
      });
      from = missing_.next_clear(to, run.end());
    }
  }
  return failure;
}

}  // namespace pageferry
