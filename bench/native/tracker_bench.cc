// What dirty tracking costs: the first write to a tracked page, beside the kernel's cheapest page
// fault on the same memory (a minor fault: the page is there and only has to be mapped), and one
// harvest and one peek of memory that nobody wrote.
//
//   tracker_bench BYTES TRACKER
//
// Prints one line of JSON. Every page is warm and mapped before anything is timed.
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "region/guest_memory.h"
#include "region/page_bitmap.h"
#include "tracker/dirty_tracker.h"

namespace {

using namespace pageferry;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kScatteredWrites = 20'000;
constexpr std::size_t kCleanLooks = 9;

void check(const Status& status, const char* what) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", what, status.message().c_str());
  std::exit(1);
}

template <class Work>
double microseconds(Work work) {
  const auto started = Clock::now();
  work();
  return std::chrono::duration<double, std::micro>(Clock::now() - started).count();
}

void write_page(const GuestMemory& memory, PageIndex page) {
  auto* word = reinterpret_cast<volatile std::uint64_t*>(memory.guest_address(page));
  *word = *word + 1;
}

std::vector<PageIndex> scattered_pages(const GuestMemory& memory) {
  std::vector<PageIndex> pages(memory.page_count());
  std::iota(pages.begin(), pages.end(), PageIndex{0});
  std::shuffle(pages.begin(), pages.end(), std::mt19937_64(1));
  pages.resize(std::min(pages.size(), kScatteredWrites));
  return pages;
}

// Microseconds for one write, which is a page's first.
double write_each(const GuestMemory& memory, const std::vector<PageIndex>& pages) {
  const double took = microseconds([&] {
    for (const PageIndex page : pages) write_page(memory, page);
  });
  return took / static_cast<double>(pages.size());
}

double harvest(DirtyTracker& tracker, PageBitmap& dirty) {
  dirty.clear_all();
  return microseconds([&] { check(tracker.harvest(dirty.all(), dirty), "harvest"); });
}

double peek(DirtyTracker& tracker, PageBitmap& dirty) {
  dirty.clear_all();
  return microseconds([&] { check(tracker.peek(dirty.all(), dirty), "peek"); });
}

template <class Look>
double median_of_clean(Look look, DirtyTracker& tracker, PageBitmap& dirty) {
  std::array<double, kCleanLooks> took = {};
  for (double& one : took) {
    one = look(tracker, dirty);
    if (dirty.count() != 0) check(Status(StatusCode::kSystem, "found dirty pages"), "clean memory");
  }
  std::ranges::nth_element(took, took.begin() + kCleanLooks / 2);
  return took[kCleanLooks / 2];
}

Result<TrackerKind> kind_named(const std::string& name) {
  for (const auto kind :
       {TrackerKind::kUffdWpAsync, TrackerKind::kUffdWpSync, TrackerKind::kMprotect}) {
    if (tracker_name(kind) == name) return kind;
  }
  return Status(StatusCode::kInvalidArgument, "no tracker is called " + name);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: tracker_bench BYTES TRACKER\n");
    return 2;
  }
  const auto kind = kind_named(argv[2]);
  check(kind.status(), "tracker");
  auto created = GuestMemory::create_shared({std::stoull(argv[1])});
  check(created.status(), "memory");
  const std::shared_ptr<GuestMemory> memory = created.value();
  check(memory->prefault(), "prefault");
  const Region& region = memory->regions().front();
  const auto pages = scattered_pages(*memory);
  PageBitmap dirty(memory->page_count());

  const auto drop_guest_entries = [&] {
    ::madvise(region.guest_mapping.data(), region.bytes(), MADV_DONTNEED);
  };
  drop_guest_entries();
  const double minor_fault_us = write_each(*memory, pages);
  for (PageIndex page = 0; page < memory->page_count(); ++page) write_page(*memory, page);
  const double untracked_us = write_each(*memory, pages);

  auto made = make_tracker(kind.value(), memory);
  check(made.status(), "tracker");
  DirtyTracker& tracker = *made.value();
  const double arm_us = microseconds([&] { check(tracker.arm(), "arm"); });
  harvest(tracker, dirty);
  const double clean_harvest_us = median_of_clean(harvest, tracker, dirty);
  const double clean_peek_us = median_of_clean(peek, tracker, dirty);
  const double first_write_us = write_each(*memory, pages);
  const double second_write_us = write_each(*memory, pages);
  const double scattered_harvest_us = harvest(tracker, dirty);
  if (dirty.count() < pages.size()) check(Status(StatusCode::kSystem, "lost a write"), "harvest");
  for (PageIndex page = 0; page < memory->page_count(); ++page) write_page(*memory, page);
  const double full_harvest_us = harvest(tracker, dirty);
  check(tracker.disarm(), "disarm");

  std::printf(
      "{\"bytes\": %llu, \"scatteredPages\": %zu, \"untrackedWriteUs\": %.4f, "
      "\"minorFaultUs\": %.4f, \"firstWriteUs\": %.4f, \"secondWriteUs\": %.4f, "
      "\"armMs\": %.4f, \"cleanHarvestMs\": %.4f, \"cleanPeekMs\": %.4f, \"scatteredHarvestMs\": "
      "%.4f, "
      "\"fullHarvestMs\": %.4f}\n",
      static_cast<unsigned long long>(memory->bytes()), pages.size(), untracked_us, minor_fault_us,
      first_write_us, second_write_us, arm_us / 1e3, clean_harvest_us / 1e3, clean_peek_us / 1e3,
      scattered_harvest_us / 1e3, full_harvest_us / 1e3);
}
