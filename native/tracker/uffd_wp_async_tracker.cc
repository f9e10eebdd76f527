#include "tracker/uffd_wp_async_tracker.h"

namespace pageferry {

namespace {

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
  auto protection = WriteProtection::start(*memory_, wanted);
  if (!protection.ok()) return protection.status();
  protection_.emplace(std::move(protection.value()));
  Status status = check_mode();
  if (status.ok()) status = protect();
  if (!status.ok()) protection_.reset();
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
  return scan(ignored.all(), Pagemap::Rearm::kYes, ignored);
}

Status UffdWpAsyncTracker::harvest(PageRange range, PageBitmap& dirty) {
  Status status = scan(range, Pagemap::Rearm::kYes, dirty);
  if (status.ok()) status = chunks_->harvest_unarmed(range, dirty);
  return status;
}

Status UffdWpAsyncTracker::peek(PageRange range, PageBitmap& dirty) {
  Status status = scan(range, Pagemap::Rearm::kNo, dirty);
  if (status.ok()) status = chunks_->peek_unarmed(range, dirty);
  return status;
}

Status UffdWpAsyncTracker::disarm() {
  protection_.reset();
  return Status();
}

Status UffdWpAsyncTracker::scan(PageRange range, Pagemap::Rearm rearm, PageBitmap& dirty) const {
  if (!protection_) return Status(StatusCode::kInvalidArgument, "the dirty tracker is not armed");
  Status status;
  chunks_->for_each_armed(range, [&](const Region& region, PageRange part) {
    if (!status.ok()) return;
    status = memory_->pagemap().scan_written(
        memory_->guest_range(part), rearm, meaning_of_unmapped(region), [&](AddressRange run) {
          const PageIndex first =
              region.first_page + (run.start - region.guest_base) / region.page_bytes;
          dirty.set_range({first, run.bytes / region.page_bytes});
        });
  });
  return status;
}

}  // namespace pageferry
