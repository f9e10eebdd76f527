#include "os/userfaultfd.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>

#include <array>
#include <cstring>
#include <thread>
#include <vector>

#include "os/mapping.h"
#include "os/pagemap.h"
#include "region/guest_memory.h"

namespace pageferry {
namespace {

constexpr std::uint64_t kPages = 64;

Result<UserFaultFd> open_for_faults() {
  UserFaultFd::Features features;
  features.missing_shared = true;
  features.minor_shared = true;
  return UserFaultFd::open(features);
}

std::uint8_t first_byte(const GuestMemory& memory, PageIndex page) {
  return *reinterpret_cast<volatile std::uint8_t*>(memory.guest_address(page));
}

// Waits for one event; the fault is certain to come.
FaultEvent next_event(const UserFaultFd& uffd) {
  std::array<FaultEvent, 1> events{};
  for (;;) {
    pollfd wait{uffd.fd(), POLLIN, 0};
    ::poll(&wait, 1, -1);
    auto count = uffd.read_events(events);
    if (!count.ok() || count.value() == 1) return events[0];
  }
}

#define SKIP_WITHOUT(result) \
  if (!(result).ok()) GTEST_SKIP() << (result).status().message()

TEST(UserFaultFd, ProbeAgreesWithWhatCanBeOpened) {
  auto features = UserFaultFd::probe();
  SKIP_WITHOUT(features);
  auto opened = UserFaultFd::open(features.value());
  EXPECT_TRUE(opened.ok()) << opened.status().message();
}

TEST(UserFaultFd, ReadingWithoutAFaultReturnsNoEvents) {
  auto uffd = open_for_faults();
  SKIP_WITHOUT(uffd);
  std::array<FaultEvent, 4> events{};
  auto count = uffd.value().read_events(events);
  ASSERT_TRUE(count.ok()) << count.status().message();
  EXPECT_EQ(count.value(), 0u);
}

TEST(UserFaultFd, ContinueMapsTheRestOfARunThatIsPartlyMapped) {
  auto uffd = open_for_faults();
  SKIP_WITHOUT(uffd);
  auto memory = GuestMemory::create_shared({kPages * kPageBytes});
  ASSERT_TRUE(memory.ok());
  const GuestMemory& guest = *memory.value();
  const AddressRange all = guest.guest_range({0, kPages});
  ASSERT_TRUE(uffd.value().register_range(all, FaultMode::kMissing | FaultMode::kMinor).ok());
  for (PageIndex page = 0; page < kPages; ++page) {
    *guest.engine_page(page) = static_cast<std::byte>(page + 1);
  }
  for (const PageIndex mapped : {0, 7, 8, 9, 31, 63}) {
    ASSERT_TRUE(uffd.value().continue_range(guest.guest_range({mapped, 1})).ok());
  }
  const Status status = uffd.value().continue_range(all);
  ASSERT_TRUE(status.ok()) << status.message();
  for (PageIndex page = 0; page < kPages; ++page) EXPECT_EQ(first_byte(guest, page), page + 1);
  EXPECT_TRUE(uffd.value().continue_range(all).ok());
}

TEST(UserFaultFd, ContinueOnAHoleFailsInsteadOfMappingZeros) {
  auto uffd = open_for_faults();
  SKIP_WITHOUT(uffd);
  auto memory = GuestMemory::create_shared({kPageBytes});
  ASSERT_TRUE(memory.ok());
  const AddressRange page = memory.value()->guest_range({0, 1});
  ASSERT_TRUE(uffd.value().register_range(page, FaultMode::kMissing | FaultMode::kMinor).ok());
  EXPECT_EQ(uffd.value().continue_range(page).system_error(), EFAULT);
}

TEST(UserFaultFd, AThreadThatTouchesAMissingPageWaitsUntilItIsInstalled) {
  auto uffd = open_for_faults();
  SKIP_WITHOUT(uffd);
  auto memory = GuestMemory::create_shared({kPages * kPageBytes});
  ASSERT_TRUE(memory.ok());
  const GuestMemory& guest = *memory.value();
  ASSERT_TRUE(
      uffd.value()
          .register_range(guest.guest_range({0, kPages}), FaultMode::kMissing | FaultMode::kMinor)
          .ok());
  std::uint8_t seen = 0;
  std::thread toucher([&] { seen = first_byte(guest, 5); });
  const FaultEvent event = next_event(uffd.value());
  EXPECT_EQ(event.address, guest.guest_address(5));
  EXPECT_EQ(event.kind, FaultKind::kMissing);
  *guest.engine_page(5) = std::byte{77};
  EXPECT_TRUE(uffd.value().continue_range(guest.guest_range({5, 1})).ok());
  toucher.join();
  EXPECT_EQ(seen, 77);
}

TEST(UserFaultFd, ATouchOfAPageThatIsInTheFileIsAMinorFault) {
  auto uffd = open_for_faults();
  SKIP_WITHOUT(uffd);
  auto memory = GuestMemory::create_shared({kPageBytes});
  ASSERT_TRUE(memory.ok());
  const GuestMemory& guest = *memory.value();
  *guest.engine_page(0) = std::byte{9};
  ASSERT_TRUE(
      uffd.value()
          .register_range(guest.guest_range({0, 1}), FaultMode::kMissing | FaultMode::kMinor)
          .ok());
  std::uint8_t seen = 0;
  std::thread toucher([&] { seen = first_byte(guest, 0); });
  EXPECT_EQ(next_event(uffd.value()).kind, FaultKind::kMinor);
  EXPECT_TRUE(uffd.value().continue_range(guest.guest_range({0, 1})).ok());
  toucher.join();
  EXPECT_EQ(seen, 9);
}

TEST(UserFaultFd, CopyAndZeroFillPrivatePagesAndKeepThoseAlreadyThere) {
  auto uffd = UserFaultFd::open({});
  SKIP_WITHOUT(uffd);
  auto mapping = Mapping::map_anonymous(8 * kPageBytes);
  ASSERT_TRUE(mapping.ok());
  std::byte* guest = mapping.value().data();
  const auto base = reinterpret_cast<std::uintptr_t>(guest);
  guest[2 * kPageBytes] = std::byte{200};
  ASSERT_TRUE(uffd.value().register_range({base, 8 * kPageBytes}, FaultMode::kMissing).ok());
  const std::vector<std::byte> source(4 * kPageBytes, std::byte{5});
  ASSERT_TRUE(uffd.value().copy(base, source.data(), source.size()).ok());
  ASSERT_TRUE(uffd.value().zero({base, 8 * kPageBytes}).ok());
  EXPECT_EQ(guest[0], std::byte{5});
  EXPECT_EQ(guest[2 * kPageBytes], std::byte{200});
  EXPECT_EQ(guest[4 * kPageBytes - 1], std::byte{5});
  EXPECT_EQ(guest[7 * kPageBytes], std::byte{0});
}

TEST(UserFaultFd, ASecondHolderOfTheSameMemoryIsRefused) {
  auto first = open_for_faults();
  SKIP_WITHOUT(first);
  auto second = open_for_faults();
  ASSERT_TRUE(second.ok());
  auto memory = GuestMemory::create_shared({kPageBytes});
  ASSERT_TRUE(memory.ok());
  const AddressRange page = memory.value()->guest_range({0, 1});
  ASSERT_TRUE(first.value().register_range(page, FaultMode::kMissing).ok());
  EXPECT_EQ(second.value().register_range(page, FaultMode::kMissing).system_error(), EBUSY);
}

TEST(UserFaultFd, AnAdoptedDescriptorMayHaveDoneItsHandshakeBefore) {
  auto uffd = open_for_faults();
  SKIP_WITHOUT(uffd);
  auto adopted = UserFaultFd::adopt(UniqueFd(::dup(uffd.value().fd())), {});
  EXPECT_TRUE(adopted.ok()) << adopted.status().message();
  EXPECT_FALSE(UserFaultFd::adopt(UniqueFd(::dup(STDERR_FILENO)), {}).ok());
}

}  // namespace
}  // namespace pageferry
