// A guest in another process: the parent tracks and serves a forked child's memory through the
// descriptors that the child passed over a Unix socket.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <thread>

#include "tracker/tracker_test_util.h"

namespace pageferry {
namespace {

using testing::harvest_all;
using testing::ignore_failure;
using testing::Pages;
using testing::peek_all;
using testing::why_unavailable;

constexpr std::uint64_t kPages = 1024;
constexpr std::size_t kPassed = 3;  // memfd, userfaultfd, pagemap

struct Command {
  char what;  // 'w': write `value` to the page; 'r': answer its first word; 'q': end
  PageIndex page;
  std::uint64_t value;
};

bool send_descriptors(int socket, std::uint64_t base, const std::array<int, kPassed>& fds) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(fds))> control{};
  iovec data{&base, sizeof(base)};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(fds));
  std::memcpy(CMSG_DATA(header), fds.data(), sizeof(fds));
  return ::sendmsg(socket, &message, 0) == sizeof(base);
}

bool receive_descriptors(int socket, std::uint64_t* base, std::array<int, kPassed>* fds) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(*fds))> control{};
  iovec data{base, sizeof(*base)};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != sizeof(*base)) return false;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_len != CMSG_LEN(sizeof(*fds))) return false;
  std::memcpy(fds->data(), CMSG_DATA(header), sizeof(*fds));
  return true;
}

// The guest's process. Ends with the parent.
[[noreturn]] void run_child(int socket, const UserFaultFd::Features& features) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  auto memory = GuestMemory::create_shared({kPages * kPageBytes});
  auto uffd = UserFaultFd::open(features);
  const UniqueFd pagemap(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  if (!memory.ok() || !uffd.ok() || !pagemap) ::_exit(1);
  const GuestMemory& guest = *memory.value();
  if (!send_descriptors(socket, guest.guest_address(0),
                        {guest.regions()[0].memory_fd.get(), uffd.value().fd(), pagemap.get()})) {
    ::_exit(1);
  }
  Command command{};
  while (::read(socket, &command, sizeof(command)) == sizeof(command) && command.what != 'q') {
    if (command.what == 'w') testing::write_page(guest, command.page, command.value);
    const std::uint64_t answer = testing::read_page(guest, command.page);
    if (::write(socket, &answer, sizeof(answer)) != sizeof(answer)) ::_exit(1);
  }
  ::_exit(0);
}

class ForeignGuest : public ::testing::Test {
 protected:
  void TearDown() override {
    if (child_ <= 0) return;
    memory_.reset();
    ask('q', 0);
    ::waitpid(child_, nullptr, 0);
  }

  void start(const UserFaultFd::Features& features) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    UniqueFd child_end(ends[1]);
    socket_ = UniqueFd(ends[0]);
    child_ = ::fork();
    if (child_ == 0) {
      socket_.reset();
      run_child(child_end.get(), features);
    }
    child_end.reset();
    std::uint64_t base = 0;
    std::array<int, kPassed> fds{};
    ASSERT_TRUE(receive_descriptors(socket_.get(), &base, &fds));
    std::vector<GuestMemory::ForeignRegion> regions;
    regions.push_back({UniqueFd(fds[0]), base, kPages * kPageBytes});
    auto memory =
        GuestMemory::adopt_foreign(std::move(regions), UniqueFd(fds[1]), UniqueFd(fds[2]));
    ASSERT_TRUE(memory.ok()) << memory.status().message();
    memory_ = memory.value();
  }

  void ask(char what, PageIndex page, std::uint64_t value = 0) {
    const Command command{what, page, value};
    ASSERT_EQ(::write(socket_.get(), &command, sizeof(command)), ssize_t{sizeof(command)});
  }
  std::uint64_t answer() {
    std::uint64_t word = 0;
    EXPECT_EQ(::read(socket_.get(), &word, sizeof(word)), ssize_t{sizeof(word)});
    return word;
  }
  std::uint64_t call(char what, PageIndex page, std::uint64_t value = 0) {
    ask(what, page, value);
    return answer();
  }

  void expect_tracked(TrackerKind kind) {
    EXPECT_FALSE(memory_->local());
    call('w', 7, 70);
    auto tracker = make_tracker(kind, memory_, ignore_failure);
    ASSERT_TRUE(tracker.ok()) << tracker.status().message();
    const Status status = tracker.value()->arm();
    ASSERT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(harvest_all(*tracker.value(), *memory_), Pages{});
    for (const PageIndex page : {7, 8, 1023}) EXPECT_EQ(call('w', page, page), page);
    EXPECT_EQ(peek_all(*tracker.value(), *memory_), (Pages{7, 8, 1023}));
    EXPECT_EQ(harvest_all(*tracker.value(), *memory_), (Pages{7, 8, 1023}));
    EXPECT_EQ(*reinterpret_cast<std::uint64_t*>(memory_->engine_page(1023)), 1023u);
    call('r', 8);
    call('w', 7, 71);
    EXPECT_EQ(harvest_all(*tracker.value(), *memory_), Pages{7});
    EXPECT_TRUE(tracker.value()->disarm().ok());
    EXPECT_EQ(call('w', 9, 90), 90u);
  }

  pid_t child_ = -1;
  UniqueFd socket_;
  std::shared_ptr<GuestMemory> memory_;
};

UserFaultFd::Features sync_features() {
  UserFaultFd::Features features;
  features.write_protect = true;
  features.write_protect_shared = true;
  return features;
}

UserFaultFd::Features async_features() {
  UserFaultFd::Features features = sync_features();
  features.write_protect_unpopulated = true;
  features.write_protect_async = true;
  return features;
}

TEST_F(ForeignGuest, IsTrackedByUffdWpAsync) {
  const std::string reason = why_unavailable(TrackerKind::kUffdWpAsync, Backing::kShared);
  if (!reason.empty()) GTEST_SKIP() << reason;
  ASSERT_NO_FATAL_FAILURE(start(async_features()));
  expect_tracked(TrackerKind::kUffdWpAsync);
}

TEST_F(ForeignGuest, IsTrackedByUffdWpSync) {
  const std::string reason = why_unavailable(TrackerKind::kUffdWpSync, Backing::kShared);
  if (!reason.empty()) GTEST_SKIP() << reason;
  ASSERT_NO_FATAL_FAILURE(start(sync_features()));
  expect_tracked(TrackerKind::kUffdWpSync);
}

TEST_F(ForeignGuest, ADescriptorInTheWrongModeIsRefusedByEachTracker) {
  for (const TrackerKind kind : {TrackerKind::kUffdWpAsync, TrackerKind::kUffdWpSync}) {
    const std::string reason = why_unavailable(kind, Backing::kShared);
    if (!reason.empty()) GTEST_SKIP() << reason;
  }
  ASSERT_NO_FATAL_FAILURE(start(sync_features()));
  auto async_tracker = make_tracker(TrackerKind::kUffdWpAsync, memory_, ignore_failure);
  ASSERT_TRUE(async_tracker.ok());
  EXPECT_EQ(async_tracker.value()->arm().code(), StatusCode::kUnsupported);
  TearDown();
  ASSERT_NO_FATAL_FAILURE(start(async_features()));
  auto sync_tracker = make_tracker(TrackerKind::kUffdWpSync, memory_, ignore_failure);
  ASSERT_TRUE(sync_tracker.ok());
  EXPECT_EQ(sync_tracker.value()->arm().code(), StatusCode::kUnsupported);
  EXPECT_EQ(call('w', 1, 5), 5u);
}

TEST_F(ForeignGuest, DisarmAndDestructionSurviveTheGuestsDeath) {
  const std::string reason = why_unavailable(TrackerKind::kUffdWpSync, Backing::kShared);
  if (!reason.empty()) GTEST_SKIP() << reason;
  ASSERT_NO_FATAL_FAILURE(start(sync_features()));
  auto tracker = make_tracker(TrackerKind::kUffdWpSync, memory_, ignore_failure);
  ASSERT_TRUE(tracker.ok());
  ASSERT_TRUE(tracker.value()->arm().ok());
  call('w', 1, 5);
  ask('q', 0);
  ::waitpid(std::exchange(child_, -1), nullptr, 0);
  PageBitmap dirty(kPages);
  EXPECT_FALSE(tracker.value()->harvest(dirty.all(), dirty).ok());
  EXPECT_TRUE(tracker.value()->disarm().ok());
}

TEST_F(ForeignGuest, ItsMissingAndMinorFaultsAreServedFromThisProcess) {
  UserFaultFd::Features features;
  features.missing_shared = true;
  features.minor_shared = true;
  if (auto probe = UserFaultFd::open(features); !probe.ok())
    GTEST_SKIP() << probe.status().message();
  ASSERT_NO_FATAL_FAILURE(start(features));
  auto uffd = memory_->open_userfaultfd(features);
  ASSERT_TRUE(uffd.ok()) << uffd.status().message();
  ASSERT_TRUE(uffd.value()
                  .register_range(memory_->guest_range({0, kPages}),
                                  FaultMode::kMissing | FaultMode::kMinor)
                  .ok());
  const auto word = [&](PageIndex page) {
    return reinterpret_cast<std::uint64_t*>(memory_->engine_page(page));
  };
  *word(6) = 66;  // In the file, not mapped by the guest: a minor fault.
  for (const PageIndex page : {5, 6}) {
    ask('r', page);
    pollfd wait{uffd.value().fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&wait, 1, -1), 1);
    std::array<FaultEvent, 4> events{};
    auto count = uffd.value().read_events(events);
    ASSERT_TRUE(count.ok()) << count.status().message();
    ASSERT_EQ(count.value(), 1u);
    EXPECT_EQ(memory_->page_at(events[0].address), page);
    EXPECT_EQ(events[0].kind, page == 5 ? FaultKind::kMissing : FaultKind::kMinor);
    *word(page) = page * 11;
    ASSERT_TRUE(uffd.value().continue_range(memory_->guest_range({page, 1})).ok());
    EXPECT_EQ(answer(), page * 11);
  }
}

}  // namespace
}  // namespace pageferry
