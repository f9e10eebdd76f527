#include "region/arriving_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

namespace pageferry {

namespace {

// Runs mapped in one call by map_arrived: long enough to be fast, short enough that a demand fault never
// waits long for the address space's lock.
constexpr std::uint64_t kMapRunPages = 256;

UserFaultFd::Features serving_features(Backing backing) {
  UserFaultFd::Features wanted;
  wanted.missing_shared = backing == Backing::kShared;
  wanted.minor_shared = backing == Backing::kShared;
  return wanted;
}

}  // namespace

ArrivingMemory::ArrivingMemory(std::shared_ptr<GuestMemory> memory)
    : memory_(std::move(memory)),
      holds_data_(memory_->page_count()),
      unclaimed_(memory_->page_count()),
      unpublished_(memory_->page_count()) {}

ArrivingMemory::~ArrivingMemory() { memory_->end_waits(); }

std::byte* ArrivingMemory::landing(PageIndex page) const {
  if (memory_->backing() == Backing::kPrivate && phase() != Phase::kCopying) {
    return nullptr;
  }
  return memory_->engine_page(page);
}

bool ArrivingMemory::claim(PageIndex page) {
  return phase() == Phase::kCopying || unclaimed_.take(page);
}

Status ArrivingMemory::publish(PageRange run, const std::byte* data) {
  if (phase() == Phase::kCopying) {
    if (data != nullptr) std::memcpy(landing(run.first), data, memory_->guest_range(run).bytes);
    holds_data_.set_range(run);
    return Status();
  }
  const AddressRange range = memory_->guest_range(run);
  if (memory_->backing() == Backing::kPrivate) {
    // The copy makes the page visible; marking it after that would let the fault handler miss it only
    // for a fault that the copy itself has woken.
    Status copied = userfaultfd_.copy(range.start, data, range.bytes);
    if (copied.ok()) count_published(run);
    return copied;
  }
  if (data != nullptr) std::memcpy(landing(run.first), data, range.bytes);
  // Marked first: a fault that the handler reads after this line is answered by map(), one that it read
  // before is already waiting and is woken by the next line.
  unpublished_.clear_range(run);
  Status mapped = userfaultfd_.continue_range(range);
  if (mapped.ok()) count_published(run);
  return mapped;
}

Status ArrivingMemory::publish_zero(PageRange run) {
  const bool serving = phase() != Phase::kCopying;
  if (memory_->backing() == Backing::kShared || !serving) {
    holds_data_.for_each_run(run, [this](PageRange stale) {
      std::memset(memory_->engine_page(stale.first), 0, memory_->guest_range(stale).bytes);
    });
  }
  if (!serving) return Status();
  // A page that holds nothing stays a hole: who waits for it faults again and map() gives it zeros.
  unpublished_.clear_range(run);
  Status woken = userfaultfd_.wake(memory_->guest_range(run));
  if (woken.ok()) count_published(run);
  return woken;
}

void ArrivingMemory::count_published(PageRange run) {
  unpublished_.clear_range(run);
  const auto before = pages_missing_.fetch_sub(run.count, std::memory_order_acq_rel);
  if (before == run.count) on_complete_();
}

Status ArrivingMemory::mark_missing(PageRange run) {
  if (phase() != Phase::kCopying) {
    return Status(StatusCode::kProtocol, "pages were announced as missing after the final round");
  }
  unclaimed_.set_range(run);
  unpublished_.set_range(run);
  return Status();
}

void ArrivingMemory::begin_record() {
  const MutexLock lock(records_mutex_);
  ++records_;
}

void ArrivingMemory::end_record() {
  const MutexLock lock(records_mutex_);
  --records_;
}

// A record that is being applied lands in place, which nothing may do once the guest runs.
Status ArrivingMemory::check_no_record() const {
  if (records_ == 0) return Status();
  return Status(StatusCode::kProtocol, "a record came after the final round's last sync");
}

// What was announced as missing is here as an old copy or not at all.
Status ArrivingMemory::check_none_missing() const {
  const std::uint64_t missing = unpublished_.count();
  if (missing == 0) return Status();
  return Status(
      StatusCode::kProtocol,
      std::to_string(missing) + " pages were announced as missing, and nothing was to follow");
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
  unpublished_.for_each_run(unpublished_.all(), [&](PageRange run) {
    memory_->for_each_region(run, [&](const Region&, PageRange part) { drop(part); });
  });
  return hidden;
}

Status ArrivingMemory::start_serving(std::function<void()> on_complete) {
  {
    const MutexLock lock(records_mutex_);
    if (Status quiet = check_no_record(); !quiet.ok()) return quiet;
    auto opened = memory_->open_userfaultfd(serving_features(memory_->backing()));
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
    pages_missing_.store(unpublished_.count(), std::memory_order_release);
    phase_.store(Phase::kServing, std::memory_order_release);
  }
  if (pages_missing() == 0) on_complete_();
  return Status();
}

Status ArrivingMemory::complete() {
  {
    const MutexLock lock(records_mutex_);
    // While serving, whoever applies a record has claimed nothing that is not published by now.
    if (phase() == Phase::kCopying) {
      if (Status quiet = check_no_record(); !quiet.ok()) return quiet;
      if (Status whole = check_none_missing(); !whole.ok()) return whole;
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
  // A missing fault on a published page: nothing was written there, so it is zero; or it was written
  // since, then the call finds a page, maps nothing and wakes the thread.
  Status mapped =
      kind == FaultKind::kMissing ? userfaultfd_.zero(range) : userfaultfd_.continue_range(range);
  // complete() lifts the registration, which wakes every thread, perhaps after this fault was read.
  return phase() == Phase::kComplete ? Status() : mapped;
}

Status ArrivingMemory::map_arrived(const std::atomic<bool>& cancelled) {
  if (memory_->backing() == Backing::kPrivate) return Status();  // They are mapped already.
  PageIndex at = 0;
  const PageIndex end = memory_->page_count();
  Status failure;
  while (failure.ok() && !cancelled.load(std::memory_order_relaxed)) {
    at = holds_data_.next_set(at, end);
    if (at >= end) break;
    PageRange run = {at, std::min(holds_data_.next_clear(at, end) - at, kMapRunPages)};
    at = run.end();
    // The rest is mapped by whoever publishes it.
    for (PageIndex from = unpublished_.next_clear(run.first, run.end()); from < run.end();) {
      const PageIndex to = unpublished_.next_set(from, run.end());
      memory_->for_each_region({from, to - from}, [&](const Region&, PageRange part) {
        if (failure.ok()) failure = userfaultfd_.continue_range(memory_->guest_range(part));
      });
      from = unpublished_.next_clear(to, run.end());
    }
  }
  return failure;
}

}  // namespace pageferry
