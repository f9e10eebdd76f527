// What only uffd-wp-sync does: it has a thread, and that thread may fail.

#include "tracker/uffd_wp_sync_tracker.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "os/thread_test_util.h"
#include "tracker/tracker_test_util.h"

namespace pageferry {
namespace {

using testing::make_guest;
using testing::TestGuest;
using testing::ThreadLimit;
using testing::wait_until;
using testing::WatchedThread;
using testing::write_page;

std::vector<int> open_userfaultfds() {
  std::vector<int> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const auto target = std::filesystem::read_symlink(entry.path(), gone);
    if (!gone && target.string() == "anon_inode:[userfaultfd]") {
      found.push_back(std::stoi(entry.path().filename().string()));
    }
  }
  return found;
}

// From its return on every read of the descriptor, by any thread of the process, fails with EIO.
bool fail_reads_of(int fd) {
  const std::array<sock_filter, 6> filter = {{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_read, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[0])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(fd), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog program = {.len = filter.size(),
                              .filter = const_cast<sock_filter*>(filter.data())};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}

// The owner of a guest's descriptor shares its open file, and with it this flag.
bool make_blocking(int fd) { return ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK) == 0; }

struct Breakage {
  const char* name;
  bool (*break_it)(int fd);
};

// A filter cannot be taken back, so each of these runs in a process of its own.
class BrokenUserfaultfd : public ::testing::TestWithParam<Breakage> {
 protected:
  void SetUp() override {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const std::string why = testing::why_unavailable(TrackerKind::kUffdWpSync, Backing::kShared);
    if (!why.empty()) GTEST_SKIP() << why;
  }
};

void fail(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  std::_Exit(1);
}

// Ends the process: with 0 when all is as it must be.
void track_with(const Breakage& breakage) {
  ::alarm(60);  // A writer that waits for ever is what must not be.
  const TestGuest guest = make_guest(Backing::kShared, {16});
  for (PageIndex page = 0; page < 16; ++page) write_page(*guest.memory, page, 1);
  std::atomic<int> told{0};
  auto made = make_tracker(TrackerKind::kUffdWpSync, guest.memory, [&](const Status& failure) {
    if (failure.message().find("uffd-wp-sync") == std::string::npos) fail("an unclear reason");
    told.fetch_add(1);
  });
  DirtyTracker& tracker = *made.value();
  const auto before = open_userfaultfds();
  if (!tracker.arm().ok()) fail("it does not arm");
  std::vector<int> opened;
  for (const int fd : open_userfaultfds()) {
    if (std::ranges::find(before, fd) == before.end()) opened.push_back(fd);
  }
  if (opened.size() != 1) fail("not one userfaultfd");
  if (!breakage.break_it(opened[0])) fail("the descriptor cannot be broken");

  WatchedThread writing([&] {
    for (PageIndex page = 0; page < 16; ++page) write_page(*guest.memory, page, 2);
  });
  writing.join();  // No write waits.
  wait_until([&] { return told.load() > 0; });
  PageBitmap dirty(16);
  if (tracker.harvest(dirty.all(), dirty).ok())
    fail("a harvest that lacks writes was taken for whole");
  if (tracker.peek(dirty.all(), dirty).ok()) fail("a peek that lacks writes was taken for whole");
  if (!tracker.disarm().ok()) fail("it does not disarm");
  if (told.load() != 1) fail("told more than once");
  std::_Exit(0);
}

TEST_P(BrokenUserfaultfd, LetsEveryWriterGoOnAndTheFailureIsTold) {
  EXPECT_EXIT(track_with(GetParam()), ::testing::ExitedWithCode(0), "");
}

INSTANTIATE_TEST_SUITE_P(Ways, BrokenUserfaultfd,
                         ::testing::Values(Breakage{"ReadsFail", fail_reads_of},
                                           Breakage{"ReadsBlock", make_blocking}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(UffdWpSyncTracker, ArmingWithoutAThreadLeftFailsAndLeavesEveryPageWritable) {
  const std::string why = testing::why_unavailable(TrackerKind::kUffdWpSync, Backing::kShared);
  if (!why.empty()) GTEST_SKIP() << why;
  const TestGuest guest = make_guest(Backing::kShared, {16});
  for (PageIndex page = 0; page < 16; ++page) write_page(*guest.memory, page, 1);
  auto made = make_tracker(TrackerKind::kUffdWpSync, guest.memory, testing::ignore_failure);
  ASSERT_TRUE(made.ok());
  {
    ThreadLimit limit;
    limit.reach();
    const Status armed = made.value()->arm();
    EXPECT_EQ(armed.system_error(), EAGAIN) << armed.message();
  }
  write_page(*guest.memory, 3, 2);
  ASSERT_TRUE(made.value()->arm().ok());
  write_page(*guest.memory, 5, 3);
  EXPECT_EQ(testing::harvest_all(*made.value(), *guest.memory), testing::Pages{5});
}

}  // namespace
}  // namespace pageferry
