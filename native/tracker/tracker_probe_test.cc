#include "tracker/tracker_probe.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <set>

namespace pageferry {
namespace {

const Capability& find(const TrackerProbe& probe, std::string_view name) {
  for (const Capability& capability : probe.capabilities) {
    if (capability.name == name) return capability;
  }
  ADD_FAILURE() << "no capability named " << name;
  return probe.capabilities.front();
}

TEST(TrackerProbe, NamesEveryCapabilityOnceAndExplainsEachThatIsMissing) {
  for (const Backing backing : {Backing::kShared, Backing::kPrivate}) {
    const TrackerProbe probe = probe_trackers(backing);
    EXPECT_FALSE(probe.kernel.empty());
    std::set<std::string> names;
    for (const Capability& capability : probe.capabilities) {
      names.insert(capability.name);
      EXPECT_EQ(capability.available, capability.reason.empty()) << capability.name;
      EXPECT_EQ(capability.available, capability.remedy.empty()) << capability.name;
    }
    EXPECT_EQ(names, (std::set<std::string>{"userfaultfd", "uffd-wp-async", "uffd-wp-sync",
                                            "mprotect", "pagemap-scan", "post-copy",
                                            "post-copy-user-mode", "huge-pages"}));
  }
}

TEST(TrackerProbe, TheChosenTrackerIsTheFirstThatIsAvailable) {
  const TrackerProbe probe = probe_trackers(Backing::kShared);
  EXPECT_TRUE(find(probe, "mprotect").available);
  for (const TrackerKind kind :
       {TrackerKind::kUffdWpAsync, TrackerKind::kUffdWpSync, TrackerKind::kMprotect}) {
    if (!find(probe, tracker_name(kind)).available) continue;
    EXPECT_EQ(probe.chosen, kind);
    break;
  }
}

std::size_t descriptor_count() {
  const std::filesystem::directory_iterator open("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(open), end(open)));
}

TEST(TrackerProbe, LeavesNoSignalHandlerAndNoDescriptorBehind) {
  struct sigaction before {};
  ASSERT_EQ(::sigaction(SIGSEGV, nullptr, &before), 0);
  const std::size_t descriptors = descriptor_count();
  for (const Backing backing : {Backing::kShared, Backing::kPrivate}) probe_trackers(backing);
  struct sigaction after {};
  ASSERT_EQ(::sigaction(SIGSEGV, nullptr, &after), 0);
  EXPECT_EQ(after.sa_sigaction, before.sa_sigaction);
  EXPECT_EQ(after.sa_flags, before.sa_flags);
  EXPECT_EQ(descriptor_count(), descriptors);
}

// Without privilege the answer must say how to get it, and still name a tracker that works.
TEST(TrackerProbe, AUserWithoutPrivilegeIsToldWhatToDo) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give its privilege up";
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresgid(65534, 65534, 65534) != 0 || ::setresuid(65534, 65534, 65534) != 0) ::_exit(9);
    // As in a process that this user started: /proc/self belongs to it.
    ::prctl(PR_SET_DUMPABLE, 1);
    if (UserFaultFd::probe().ok()) ::_exit(0);  // This machine lets every user open one.
    const TrackerProbe probe = probe_trackers(Backing::kShared);
    const Capability& userfaultfd = find(probe, "userfaultfd");
    if (userfaultfd.available || userfaultfd.remedy.empty()) ::_exit(1);
    if (find(probe, "post-copy").available) ::_exit(2);
    if (!find(probe, "mprotect").available) ::_exit(3);
    ::_exit(find(probe, tracker_name(probe.chosen)).available ? 0 : 4);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace pageferry
