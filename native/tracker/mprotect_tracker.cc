#include "tracker/mprotect_tracker.h"

#include <sys/mman.h>

#include <algorithm>
#include <fstream>

namespace pageferry {

namespace {

constexpr std::uint64_t kChunkPages = 512;

// How many scattered pages may be open at once; each takes up to two mappings.
std::int64_t open_budget() {
  std::int64_t max_map_count = 65530;
  std::ifstream("/proc/sys/vm/max_map_count") >> max_map_count;
  return max_map_count / 8;
}

// The aligned run of `pages` pages around `page`, cut to the region.
PageRange aligned_run(const Region& region, PageIndex page, std::uint64_t pages) {
  const std::uint64_t offset = (page - region.first_page) / pages * pages;
  return {region.first_page + offset, std::min(pages, region.page_count - offset)};
}

bool set_protection(AddressRange range, int protection) {
  return ::mprotect(reinterpret_cast<void*>(range.start), range.bytes, protection) == 0;
}

}  // namespace

MprotectTracker::MprotectTracker(std::shared_ptr<GuestMemory> memory)
    : memory_(std::move(memory)), written_(memory_->page_count()) {}

MprotectTracker::~MprotectTracker() { static_cast<void>(disarm()); }

Status MprotectTracker::arm() {
  if (Status status = disarm(); !status.ok()) return status;
  written_.clear_all();
  single_opens_left_.store(open_budget());
  for (const Region& region : memory_->regions()) {
    auto trap = WriteTrap::install(region.guest_range(), *this);
    if (!trap.ok()) {
      static_cast<void>(disarm());
      return trap.status();
    }
    traps_.push_back(std::move(trap.value()));
    if (!set_protection(region.guest_range(), PROT_READ)) {
      const Status status = Status::from_errno("mprotect of a guest region");
      static_cast<void>(disarm());
      return status;
    }
  }
  return Status();
}

Status MprotectTracker::disarm() {
  if (traps_.empty()) return Status();
  Status status;
  for (const Region& region : memory_->regions()) {
    if (!set_protection(region.guest_range(), PROT_READ | PROT_WRITE)) {
      status = Status::from_errno("mprotect of a guest region");
    }
  }
  traps_.clear();
  return status;
}

// Order matters, for no lock may be taken here. The page opens first and its bit is set after: a
// harvest in between closes the page, and the write faults again. The other order would let a harvest
// take the bit and close the page before this thread opens it, leaving it open with its bit clear.
// Another thread may write through the open page before its bit is set; its write is then in the
// next harvest, and a paused guest has no thread in here.
bool MprotectTracker::on_write_fault(std::uint64_t address) {
  const PageIndex page = memory_->page_at(address);
  if (page == memory_->page_count()) return false;
  const Region& region = memory_->region_of(page);
  const bool single = single_opens_left_.fetch_sub(1) > 0;
  // Opening a page splits a mapping, which fails when the process has too many. A larger run splits
  // fewer, and the whole region none.
  for (std::uint64_t pages = single ? 1 : kChunkPages;; pages *= 8) {
    const PageRange run = aligned_run(region, page, pages);
    if (open_pages(run)) return true;
    if (run.count == region.page_count) return false;
  }
}

bool MprotectTracker::open_pages(PageRange run) {
  if (!set_protection(memory_->guest_range(run), PROT_READ | PROT_WRITE)) return false;
  written_.set_range(run);
  return true;
}

bool MprotectTracker::close_pages(const Region& region, PageRange run) {
  return set_protection(memory_->guest_range(run), PROT_READ) ||
         set_protection(region.guest_range(), PROT_READ);
}

// Takes the bits, then closes every page in one call: closing a page that is closed already costs
// nothing, and the mappings merge again. A write before the closing can be seen in the page's bytes
// when harvest returns; one after it faults.
Status MprotectTracker::harvest(PageRange range, PageBitmap& dirty) {
  if (traps_.empty()) return Status(StatusCode::kInvalidArgument, "the dirty tracker is not armed");
  memory_->for_each_region(range, [&](const Region& region, PageRange part) {
    PageRange span{part.end(), 0};
    written_.for_each_run(part, [&](PageRange run) {
      written_.clear_range(run);
      dirty.set_range(run);
      if (span.count == 0) span.first = run.first;
      span.count = run.end() - span.first;
    });
    if (span.count == 0) return;
    // Pages that cannot be closed stay dirty: the next harvest reports them again.
    if (!close_pages(region, span)) written_.set_range(span);
  });
  std::int64_t open_runs = 0;
  written_.for_each_run(written_.all(), [&](PageRange) { ++open_runs; });
  single_opens_left_.store(open_budget() - open_runs);
  return Status();
}

Status MprotectTracker::peek(PageRange range, PageBitmap& dirty) {
  if (traps_.empty()) return Status(StatusCode::kInvalidArgument, "the dirty tracker is not armed");
  written_.for_each_run(range, [&](PageRange run) { dirty.set_range(run); });
  return Status();
}

}  // namespace pageferry
