// What each dirty tracker costs: arm, first write, harvest. Prints one line of JSON for each tracker and
// backing; times are the median of kRepeats runs on warm memory.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include "tracker/dirty_tracker.h"

namespace pageferry {
namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
constexpr int kRepeats = 5;
constexpr std::uint64_t kScatteredWrites = 20000;

double microseconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double, std::micro> spent = std::chrono::steady_clock::now() - start;
  return spent.count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void check(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "tracker_bench: %s\n", status.message().c_str());
  std::exit(1);
}

struct Guest {
  Mapping mapping;
  std::shared_ptr<GuestMemory> memory;
};

Guest make_guest(Backing backing, std::uint64_t bytes) {
  Guest guest;
  if (backing == Backing::kShared) {
    auto memory = GuestMemory::create_shared({bytes});
    check(memory.status());
    guest.memory = memory.value();
    return guest;
  }
  auto mapping = Mapping::map_anonymous(bytes);
  check(mapping.status());
  guest.mapping = std::move(mapping.value());
  auto memory =
      GuestMemory::adopt_private({{reinterpret_cast<std::uintptr_t>(guest.mapping.data()), bytes}});
  check(memory.status());
  guest.memory = memory.value();
  return guest;
}

void write_page(const GuestMemory& memory, PageIndex page) {
  *reinterpret_cast<volatile std::uint64_t*>(memory.guest_address(page)) = page;
}

std::unique_ptr<DirtyTracker> make(TrackerKind kind, const Guest& guest) {
  auto tracker = make_tracker(kind, guest.memory);
  check(tracker.status());
  return std::move(tracker.value());
}

struct Figures {
  std::vector<double> arm_untouched_us, arm_us, clean_us, first_write_us, dirty_us, disarm_us;
};

void measure_once(DirtyTracker& tracker, const GuestMemory& memory, Figures& figures) {
  figures.arm_us.push_back(microseconds([&] { check(tracker.arm()); }));
  PageBitmap dirty(memory.page_count());
  check(tracker.harvest(dirty.all(), dirty));
  dirty.clear_all();
  figures.clean_us.push_back(microseconds([&] { check(tracker.harvest(dirty.all(), dirty)); }));
  // A stride that is prime to the page count: scattered, no page twice.
  const double writes = microseconds([&] {
    for (std::uint64_t i = 0; i < kScatteredWrites; ++i) {
      write_page(memory, i * 7919 % memory.page_count());
    }
  });
  figures.first_write_us.push_back(writes / kScatteredWrites);
  figures.dirty_us.push_back(microseconds([&] { check(tracker.harvest(dirty.all(), dirty)); }));
  figures.disarm_us.push_back(microseconds([&] { check(tracker.disarm()); }));
}

void measure(TrackerKind kind, Backing backing) {
  Figures figures;
  for (int i = 0; i < kRepeats; ++i) {
    const Guest untouched = make_guest(backing, 4 * kGiB);
    auto tracker = make(kind, untouched);
    figures.arm_untouched_us.push_back(microseconds([&] { check(tracker->arm()); }));
  }
  const Guest guest = make_guest(backing, kGiB);
  for (PageIndex page = 0; page < guest.memory->page_count(); ++page) {
    write_page(*guest.memory, page);
  }
  auto tracker = make(kind, guest);
  for (int i = 0; i < kRepeats; ++i) measure_once(*tracker, *guest.memory, figures);
  std::printf(
      "{\"tracker\":\"%s\",\"backing\":\"%s\",\"arm4GiBUntouchedMs\":%.2f,\"arm1GiBMs\":%.2f,"
      "\"cleanHarvest1GiBMs\":%.3f,\"firstWriteUs\":%.2f,\"harvest20000ScatteredMs\":%.2f,"
      "\"disarm1GiBMs\":%.2f}\n",
      tracker_name(kind).data(), backing == Backing::kShared ? "shared" : "private",
      median(figures.arm_untouched_us) / 1000, median(figures.arm_us) / 1000,
      median(figures.clean_us) / 1000, median(figures.first_write_us),
      median(figures.dirty_us) / 1000, median(figures.disarm_us) / 1000);
  std::fflush(stdout);
}

}  // namespace
}  // namespace pageferry

int main() {
  using pageferry::Backing;
  using pageferry::TrackerKind;
  for (const auto kind :
       {TrackerKind::kUffdWpAsync, TrackerKind::kUffdWpSync, TrackerKind::kMprotect}) {
    for (const auto backing : {Backing::kShared, Backing::kPrivate}) {
      pageferry::measure(kind, backing);
    }
  }
}
