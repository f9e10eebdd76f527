#include "tracker/uffd_wp_async_tracker.h"

#include <algorithm>
#include <vector>

#include "os/contained.h"
#include "os/mutex.h"

namespace pageferry {

namespace {

// From here on a look at all of memory is worth waking helpers for: alone it takes a quarter of a
// millisecond, and a helper is awake after a fifth of that.
constexpr std::uint64_t kPagesWorthHelp = (std::uint64_t{1} << 30) / kPageBytes;
constexpr std::uint64_t kPagesInPart = kPagesWorthHelp / 16;
constexpr std::uint64_t kMostParts = 256;
constexpr unsigned kMostThreads = 4;

// A shared page may lose its page table entry after a write and keep its content (it is swapped out,
// or the guest drops its mapping), so an empty entry must count as written, and arm must leave no
// entry empty. A private page that was written always has an entry; there, holes need no entries,
// and find_populated goes on telling holes from pages.
Pagemap::Unmapped meaning_of_unmapped(const Region& region) {
  return region.backing == Backing::kShared ? Pagemap::Unmapped::kWritten
                                            : Pagemap::Unmapped::kClean;
}

}  // namespace

UffdWpAsyncTracker::UffdWpAsyncTracker(std::shared_ptr<GuestMemory> memory)
    : memory_(std::move(memory)) {}

Status UffdWpAsyncTracker::arm() {
  if (Status status = disarm(); !status.ok()) return status;
  UserFaultFd::Features wanted;
  wanted.write_protect = true;
  wanted.write_protect_shared = true;
  wanted.write_protect_unpopulated = true;
  wanted.write_protect_async = true;
  // It delivers no faults of any kind.
  auto protection = WriteProtection::start(*memory_, wanted, FaultSource::kUserMode);
  if (!protection.ok()) return protection.status();
  protection_.emplace(std::move(protection.value()));
  Status status = check_mode();
  if (status.ok()) status = protect();
  if (!status.ok()) protection_.reset();
  if (status.ok() && memory_->page_count() >= kPagesWorthHelp) {
    helpers_.emplace(Helpers::beside_caller(kMostThreads));
  }
  return status;
}

// Another process opened a foreign guest's descriptor, and decided its mode.
Status UffdWpAsyncTracker::check_mode() const {
  if (memory_->pagemap().write_protect_is_async(memory_->regions().front().guest_range())) {
    return Status();
  }
  return Status(StatusCode::kUnsupported,
                "uffd-wp-async needs Linux 6.7 and a userfaultfd whose owner enabled "
                "UFFD_FEATURE_WP_ASYNC; use the uffd-wp-sync tracker");
}

Status UffdWpAsyncTracker::protect() {
  chunks_.emplace(*memory_,
                  [this](AddressRange range) { return memory_->pagemap().write_protect(range); });
  if (memory_->backing() == Backing::kShared) return chunks_->arm_populated();
  PageBitmap ignored(memory_->page_count());
  return harvest(ignored.all(), ignored);
}

// On one thread: each page table that a scan re-protects has to be forgotten by the processors that run
// the guest or another scan, and waiting for each other's answers two scans take longer than one.
Status UffdWpAsyncTracker::harvest(PageRange range, PageBitmap& dirty) {
  if (Status armed = check_armed(); !armed.ok()) return armed;
  Status status;
  chunks_->for_each_armed(range, [&](const Region& region, PageRange part) {
    if (status.ok()) status = scan(region, part, Pagemap::Rearm::kYes, dirty);
  });
  if (status.ok()) status = chunks_->harvest_unarmed(range, dirty);
  return status;
}

// What is large is shared with the helpers: the guest may be paused, waiting for this.
Status UffdWpAsyncTracker::peek(PageRange range, PageBitmap& dirty) {
  if (Status armed = check_armed(); !armed.ok()) return armed;
  const std::uint64_t most = std::max(kPagesInPart, range.count / kMostParts);
  std::vector<std::pair<const Region*, PageRange>> parts;
  chunks_->for_each_armed(range, [&](const Region& region, PageRange pages) {
    for (PageIndex first = pages.first; first < pages.end(); first += most) {
      parts.emplace_back(&region, PageRange{first, std::min(most, pages.end() - first)});
    }
  });
  Mutex status_mutex;
  Status status;
  const auto scan_one = [&](std::size_t i) {
    Status scanned = contained(
        [&] { return scan(*parts[i].first, parts[i].second, Pagemap::Rearm::kNo, dirty); });
    if (scanned.ok()) return;
    const MutexLock lock(status_mutex);
    status = std::move(scanned);
  };
  if (helpers_ && range.count >= kPagesWorthHelp) {
    helpers_->run(parts.size(), scan_one);
  } else {
    for (std::size_t i = 0; i < parts.size(); ++i) scan_one(i);
  }
  if (status.ok()) status = chunks_->peek_unarmed(range, dirty);
  return status;
}

Status UffdWpAsyncTracker::disarm() {
  helpers_.reset();
  protection_.reset();
  return Status();
}

Status UffdWpAsyncTracker::check_armed() const {
  if (protection_) return Status();
  return Status(StatusCode::kInvalidArgument, "the dirty tracker is not armed");
}

Status UffdWpAsyncTracker::scan(const Region& region, PageRange part, Pagemap::Rearm rearm,
                                PageBitmap& dirty) const {
  return memory_->pagemap().scan_written(
      memory_->guest_range(part), rearm, meaning_of_unmapped(region), [&](AddressRange run) {
        const PageIndex first =
            region.first_page + (run.start - region.guest_base) / region.page_bytes;
        dirty.set_range({first, run.bytes / region.page_bytes});
      });
}

}  // namespace pageferry
