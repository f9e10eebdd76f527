// What dirty tracking costs: the first write to a tracked page, beside the kernel's cheapest page
// fault on the same memory (a minor fault: the page is there and only has to be mapped); arming and
// harvesting, beside one mprotect() that makes the same memory read-only.
//
//   tracker_bench --bytes N --writes N --threads N --trackers NAME,NAME…
//
// The writes go to different pages in random order, shared out to the threads. Every page is warm, and
// mapped writable, before anything is timed. The trackers run one after the other on the same memory.
#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "measure.h"
#include "region/page_bitmap.h"
#include "tracker/dirty_tracker.h"

namespace {

using namespace pageferry;
using namespace pageferry::bench;

constexpr std::size_t kCleanHarvests = 9;
constexpr std::size_t kMostRounds = 5;
// No new round begins after this: one round of a slow tracker is long enough by itself.
constexpr double kRoundsSeconds = 0.4;

struct Plan {
  std::shared_ptr<GuestMemory> memory;
  std::vector<PageIndex> pages;
  std::uint64_t threads;

  const Region& region() const { return memory->regions().front(); }
};

// Microseconds that a thread spends on one write, mean of all.
double write_each(const Plan& plan) {
  std::vector<double> took(plan.threads);
  on_threads(plan.threads, [&](std::uint64_t thread) {
    took[thread] = seconds([&] {
      for (std::size_t i = thread; i < plan.pages.size(); i += plan.threads) {
        const std::uint64_t address = plan.memory->guest_address(plan.pages[i]);
        // A store alone: where nothing is mapped, a load before it would be the fault, and the kernel
        // maps the neighbours of what is loaded.
        *reinterpret_cast<volatile std::uint64_t*>(address) = i;
      }
    });
  });
  double sum = 0;
  for (const double one : took) sum += one;
  return sum * 1e6 / static_cast<double>(plan.pages.size());
}

void advise_guest(AddressRange range, int advice, const char* what) {
  if (::madvise(reinterpret_cast<void*>(range.start), range.bytes, advice) != 0) {
    check(Status::from_errno(what), "madvise");
  }
}

void map_writable(const Plan& plan) {
  advise_guest(plan.region().guest_range(), MADV_POPULATE_WRITE, "populating the guest mapping");
}

double minor_fault_us(const Plan& plan) {
  std::vector<double> rounds;
  for (std::size_t i = 0; i < kMostRounds; ++i) {
    // Page by page: dropping all of it at once frees the page tables too, and the faults would pay
    // for new ones.
    for (const PageIndex page : plan.pages) {
      advise_guest(plan.memory->guest_range({page, 1}), MADV_DONTNEED,
                   "dropping a page table entry");
    }
    rounds.push_back(write_each(plan));
  }
  return median(rounds);
}

double mprotect_ms(const Plan& plan) {
  const Region& region = plan.region();
  const auto protect = [&](int protection) {
    if (::mprotect(region.guest_mapping.data(), region.bytes(), protection) == 0) return;
    check(Status::from_errno("making the guest mapping read-only"), "mprotect");
  };
  const double took = seconds([&] { protect(PROT_READ); });
  protect(PROT_READ | PROT_WRITE);
  return took * 1e3;
}

// Why figures of single pages would mean nothing, or empty. See tracker/mprotect_tracker.h.
std::string why_not_scattered(TrackerKind kind, std::uint64_t writes) {
  if (writes == 0) return "nothing is written";
  if (kind != TrackerKind::kMprotect) return "";
  std::uint64_t max_map_count = 65530;
  std::ifstream("/proc/sys/vm/max_map_count") >> max_map_count;
  if (2 * writes <= max_map_count / 4) return "";
  return std::to_string(writes) + " scattered writable pages take up to " +
         std::to_string(2 * writes) + " kernel mappings; past a quarter of vm.max_map_count (" +
         std::to_string(max_map_count) + ") the tracker opens pages in larger chunks";
}

double harvest_ms(DirtyTracker& tracker, PageBitmap& dirty) {
  dirty.clear_all();
  return seconds([&] { check(tracker.harvest(dirty.all(), dirty), "harvest"); }) * 1e3;
}

double clean_harvest_ms(DirtyTracker& tracker, PageBitmap& dirty) {
  harvest_ms(tracker, dirty);
  std::vector<double> took;
  for (std::size_t i = 0; i < kCleanHarvests; ++i) {
    took.push_back(harvest_ms(tracker, dirty));
    if (dirty.count() != 0) fail("a harvest found pages that nobody wrote");
  }
  return median(took);
}

// Rounds of first writes, second writes and a harvest.
std::string measure_scattered(const Plan& plan, DirtyTracker& tracker, PageBitmap& dirty) {
  std::vector<double> first;
  std::vector<double> second;
  std::vector<double> harvest;
  const auto started = Clock::now();
  do {
    first.push_back(write_each(plan));
    second.push_back(write_each(plan));
    harvest.push_back(harvest_ms(tracker, dirty));
    for (const PageIndex page : plan.pages) {
      if (!dirty.test(page)) fail("a harvest lost the write to page " + std::to_string(page));
    }
  } while (first.size() < kMostRounds && seconds_since(started) < kRoundsSeconds);
  return "{" + member("firstWriteUs", median(first)) + ", " +
         member("secondWriteUs", median(second)) + ", " + member("harvestMs", median(harvest)) +
         ", " + member("harvestedPages", static_cast<double>(dirty.count())) + ", " +
         member("rounds", static_cast<double>(first.size())) + "}";
}

std::string measure_tracker(const Plan& plan, TrackerKind kind) {
  if (const auto why = why_lacking(tracker_name(kind)); !why.empty()) return skipped(why);
  map_writable(plan);
  auto made =
      make_tracker(kind, plan.memory, [](const Status& failure) { check(failure, "tracker"); });
  check(made.status(), "tracker");
  DirtyTracker& tracker = *made.value();
  PageBitmap dirty(plan.memory->page_count());
  const double arm = seconds([&] { check(tracker.arm(), "arm"); });
  const double clean = clean_harvest_ms(tracker, dirty);
  const auto why = why_not_scattered(kind, plan.pages.size());
  const auto scattered = why.empty() ? measure_scattered(plan, tracker, dirty) : skipped(why);
  check(tracker.disarm(), "disarm");
  return "{" + member("armMs", arm * 1e3) + ", " + member("cleanHarvestMs", clean) +
         ", \"scattered\": " + scattered + "}";
}

std::vector<TrackerKind> kinds_named(const std::string& names) {
  std::vector<TrackerKind> kinds;
  std::istringstream list(names);
  for (std::string name; std::getline(list, name, ',');) {
    const auto before = kinds.size();
    for (const auto kind :
         {TrackerKind::kUffdWpAsync, TrackerKind::kUffdWpSync, TrackerKind::kMprotect}) {
      if (tracker_name(kind) == name) kinds.push_back(kind);
    }
    if (kinds.size() == before) {
      fail("no tracker is called '" + name +
           "'; there are uffd-wp-async, uffd-wp-sync and mprotect");
    }
  }
  return kinds;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv, {"bytes", "writes", "threads", "trackers"});
  const auto kinds = kinds_named(options.text("trackers", "uffd-wp-async,uffd-wp-sync,mprotect"));
  auto created = GuestMemory::create_shared({options.bytes(std::uint64_t{1} << 30)});
  check(created.status(), "memory");
  const auto page_count = created.value()->page_count();
  const Plan plan = {.memory = created.value(),
                     .pages = scattered_pages(page_count, options.number("writes", 20'000, 0)),
                     .threads = options.number("threads", 1)};
  check(plan.memory->prefault(), "prefault");

  std::string baselines;
  if (!plan.pages.empty()) {
    baselines = member("minorFaultUs", minor_fault_us(plan)) + ", ";
    map_writable(plan);
    baselines += member("untrackedWriteUs", write_each(plan)) + ", ";
  }
  map_writable(plan);
  baselines += member("mprotectMs", mprotect_ms(plan));
  std::string trackers;
  for (const TrackerKind kind : kinds) {
    trackers += trackers.empty() ? "" : ", ";
    trackers += "\"" + std::string(tracker_name(kind)) + "\": " + measure_tracker(plan, kind);
  }
  std::printf("{\"bytes\": %llu, \"writes\": %zu, \"threads\": %llu, %s, \"trackers\": {%s}}\n",
              static_cast<unsigned long long>(plan.memory->bytes()), plan.pages.size(),
              static_cast<unsigned long long>(plan.threads), baselines.c_str(), trackers.c_str());
}
