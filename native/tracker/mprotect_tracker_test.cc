// What only the mprotect tracker does: its signal handler, and its use of kernel mappings.

#include "tracker/mprotect_tracker.h"

#include <gtest/gtest.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "tracker/tracker_probe.h"
#include "tracker/tracker_test_util.h"

namespace pageferry {
namespace {

using testing::harvest_all;
using testing::ignore_failure;
using testing::make_guest;
using testing::Pages;
using testing::TestGuest;
using testing::write_page;

// A signal handler is process-wide, so each of these tests runs in a process of its own.
class WriteTrapHandler : public ::testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

std::byte* outside_page = nullptr;
volatile int previous_calls = 0;
sigjmp_buf jump_target;

void make_outside_page() {
  outside_page = static_cast<std::byte*>(
      ::mmap(nullptr, kPageBytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

void siginfo_handler(int, siginfo_t* info, void* context) {
  if (info->si_addr != outside_page || context == nullptr) ::_exit(3);
  previous_calls = previous_calls + 1;
  ::mprotect(outside_page, kPageBytes, PROT_READ | PROT_WRITE);
}

void plain_handler(int) {
  previous_calls = previous_calls + 1;
  siglongjmp(jump_target, 1);
}

void set_siginfo_handler() {
  struct sigaction action {};
  action.sa_sigaction = siginfo_handler;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGSEGV, &action, nullptr);
}

// Exits 0 when a tracked write is reported and a fault outside reached the previous handler.
[[noreturn]] void run_with_siginfo_handler() {
  make_outside_page();
  set_siginfo_handler();
  const TestGuest guest = make_guest(Backing::kShared, {4});
  MprotectTracker tracker(guest.memory);
  if (!tracker.arm().ok()) ::_exit(4);
  write_page(*guest.memory, 2);
  *static_cast<volatile std::byte*>(outside_page) = std::byte{7};
  const bool right = previous_calls == 1 && harvest_all(tracker, *guest.memory) == Pages{2};
  ::_exit(right ? 0 : 5);
}

void write_outside_until_the_handler_jumps() {
  if (sigsetjmp(jump_target, 1) == 0) *static_cast<volatile std::byte*>(outside_page) = {};
}

[[noreturn]] void run_with_plain_handler() {
  make_outside_page();
  ::signal(SIGSEGV, plain_handler);
  const TestGuest guest = make_guest(Backing::kPrivate, {4});
  MprotectTracker tracker(guest.memory);
  if (!tracker.arm().ok()) ::_exit(4);
  for (int i = 0; i < 3; ++i) write_outside_until_the_handler_jumps();
  write_page(*guest.memory, 1);
  const bool right = previous_calls == 3 && harvest_all(tracker, *guest.memory) == Pages{1};
  ::_exit(right ? 0 : 5);
}

[[noreturn]] void fault_outside_after_arm(void (*action)(int)) {
  make_outside_page();
  ::signal(SIGSEGV, action);
  const TestGuest guest = make_guest(Backing::kShared, {4});
  MprotectTracker tracker(guest.memory);
  if (!tracker.arm().ok()) ::_exit(4);
  write_page(*guest.memory, 1);
  *static_cast<volatile std::byte*>(outside_page) = {};
  ::_exit(5);
}

[[noreturn]] void arm_under_another_handler() {
  const TestGuest guest = make_guest(Backing::kShared, {4});
  MprotectTracker tracker(guest.memory);
  if (!tracker.arm().ok()) ::_exit(4);
  if (!tracker.disarm().ok()) ::_exit(4);
  set_siginfo_handler();
  const Status status = tracker.arm();
  write_page(*guest.memory, 1);
  const bool refused = status.code() == StatusCode::kUnsupported;
  const TrackerProbe probe = probe_trackers(Backing::kShared);
  const bool told = std::ranges::any_of(probe.capabilities, [&](const Capability& capability) {
    return capability.name == "mprotect" && capability.reason == status.message();
  });
  ::_exit(refused && told ? 0 : 5);
}

TEST_F(WriteTrapHandler, PassesOtherFaultsToThePreviousSiginfoHandler) {
  EXPECT_EXIT(run_with_siginfo_handler(), ::testing::ExitedWithCode(0), "");
}

TEST_F(WriteTrapHandler, PassesOtherFaultsToThePreviousPlainHandlerWhichMayJumpOut) {
  EXPECT_EXIT(run_with_plain_handler(), ::testing::ExitedWithCode(0), "");
}

TEST_F(WriteTrapHandler, LeavesTheDefaultActionToOtherFaults) {
  EXPECT_EXIT(fault_outside_after_arm(SIG_DFL), ::testing::KilledBySignal(SIGSEGV), "");
  EXPECT_EXIT(fault_outside_after_arm(SIG_IGN), ::testing::KilledBySignal(SIGSEGV), "");
}

TEST_F(WriteTrapHandler, RefusesToArmUnderneathALaterHandlerAndTheProbeSaysSo) {
  EXPECT_EXIT(arm_under_another_handler(), ::testing::ExitedWithCode(0), "");
}

std::size_t mapping_count() {
  std::ifstream maps("/proc/self/maps");
  std::string line;
  std::size_t count = 0;
  while (std::getline(maps, line)) ++count;
  return count;
}

TEST(MprotectTracker, ScatteredWritesLeaveTheProcessItsMappings) {
  std::size_t limit = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> limit;
  if (limit > 100000)
    GTEST_SKIP() << "vm.max_map_count is " << limit << ": the test needs too much";
  const std::uint64_t pages = 2 * limit;
  const TestGuest guest = make_guest(Backing::kShared, {pages});
  MprotectTracker tracker(guest.memory);
  ASSERT_TRUE(tracker.arm().ok());
  for (PageIndex page = 0; page < pages; page += 2) write_page(*guest.memory, page);
  EXPECT_LT(mapping_count(), limit / 2);
  const Pages dirty = harvest_all(tracker, *guest.memory);
  for (PageIndex page = 0; page < pages; page += 2) {
    ASSERT_TRUE(dirty.contains(page)) << "page " << page;
  }
  write_page(*guest.memory, 77);
  EXPECT_EQ(harvest_all(tracker, *guest.memory), Pages{77});
}

// Splits mappings until the kernel allows no more.
std::vector<Mapping> use_up_mappings() {
  std::vector<Mapping> hoard;
  hoard.reserve(4);
  std::size_t limit = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> limit;
  auto mapping = Mapping::map_anonymous(limit * kPageBytes);
  EXPECT_TRUE(mapping.ok());
  for (std::size_t page = 0; page < limit; page += 2) {
    std::byte* at = mapping.value().data() + page * kPageBytes;
    if (::mprotect(at, kPageBytes, PROT_READ) != 0) break;
  }
  hoard.push_back(std::move(mapping.value()));
  return hoard;
}

TEST(MprotectTracker, ReportsMorePagesRatherThanFailWhenTheProcessHasNoMappingsLeft) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer itself cannot run without mappings";
#endif
  std::size_t limit = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> limit;
  if (limit > 100000)
    GTEST_SKIP() << "vm.max_map_count is " << limit << ": the test needs too much";
  const TestGuest guest = make_guest(Backing::kShared, {5000, 64});
  PageBitmap dirty(guest.memory->page_count());
  MprotectTracker tracker(guest.memory);
  ASSERT_TRUE(tracker.arm().ok());
  Status status;
  {
    const std::vector<Mapping> hoard = use_up_mappings();
    for (const PageIndex page : {7, 2000, 4999, 5003}) write_page(*guest.memory, page);
    status = tracker.harvest(dirty.all(), dirty);
    write_page(*guest.memory, 2500);
    status = tracker.harvest({2400, 50}, dirty);
  }
  EXPECT_TRUE(status.ok()) << status.message();
  for (const PageIndex page : {7, 2000, 4999, 5003}) EXPECT_TRUE(dirty.test(page));
  EXPECT_TRUE(harvest_all(tracker, *guest.memory).contains(2500));
  write_page(*guest.memory, 11);
  EXPECT_EQ(harvest_all(tracker, *guest.memory), Pages{11});
}

TEST(MprotectTracker, RefusesAGuestInAnotherProcess) {
  const TestGuest guest = make_guest(Backing::kShared, {1});
  std::vector<GuestMemory::ForeignRegion> regions;
  regions.push_back({UniqueFd(::dup(guest.memory->regions()[0].memory_fd.get())),
                     guest.memory->guest_address(0), kPageBytes});
  auto foreign = GuestMemory::adopt_foreign(std::move(regions), UniqueFd(::dup(STDERR_FILENO)),
                                            UniqueFd(::dup(STDERR_FILENO)));
  ASSERT_TRUE(foreign.ok()) << foreign.status().message();
  EXPECT_EQ(make_tracker(TrackerKind::kMprotect, foreign.value(), ignore_failure).status().code(),
            StatusCode::kUnsupported);
}

}  // namespace
}  // namespace pageferry
