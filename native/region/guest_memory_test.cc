#include "region/guest_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <random>
#include <vector>

#include "region/guest_test_util.h"

namespace pageferry {
namespace {

using testing::for_each_page;
using testing::make_guest;
using testing::Pages;
using testing::pages_of;
using testing::random_pages;
using testing::TestGuest;
using testing::write_page;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

std::byte* guest_page(const GuestMemory& memory, PageIndex page) {
  return reinterpret_cast<std::byte*>(memory.guest_address(page));
}

std::vector<PageIndex> populated_pages(const GuestMemory& memory) {
  PageBitmap populated(memory.page_count());
  EXPECT_TRUE(memory.find_populated(populated).ok());
  std::vector<PageIndex> pages;
  populated.for_each_run(populated.all(), [&](PageRange run) {
    for (PageIndex page = run.first; page < run.end(); ++page) pages.push_back(page);
  });
  return pages;
}

TEST(GuestMemory, GuestAndEngineMappingShowTheSameBytes) {
  auto memory = GuestMemory::create_shared({kMiB});
  ASSERT_TRUE(memory.ok()) << memory.status().message();
  const GuestMemory& guest = *memory.value();
  *guest_page(guest, 7) = std::byte{42};
  EXPECT_EQ(*guest.engine_page(7), std::byte{42});
  *guest.engine_page(8) = std::byte{43};
  EXPECT_EQ(*guest_page(guest, 8), std::byte{43});
}

TEST(GuestMemory, PageIndicesRunThroughTheRegionsInOrder) {
  auto memory = GuestMemory::create_shared({kPageBytes, 3 * kPageBytes, 2 * kPageBytes});
  ASSERT_TRUE(memory.ok()) << memory.status().message();
  const GuestMemory& guest = *memory.value();
  EXPECT_EQ(guest.page_count(), 6u);
  EXPECT_EQ(guest.bytes(), 6 * kPageBytes);
  EXPECT_EQ(guest.region_of(0).first_page, 0u);
  EXPECT_EQ(guest.region_of(1).first_page, 1u);
  EXPECT_EQ(guest.region_of(3).first_page, 1u);
  EXPECT_EQ(guest.region_of(4).first_page, 4u);
  for (PageIndex page = 0; page < 6; ++page) {
    EXPECT_EQ(guest.page_at(guest.guest_address(page)), page);
    EXPECT_EQ(guest.page_at(guest.guest_address(page) + kPageBytes - 1), page);
  }
  EXPECT_EQ(guest.page_at(1), guest.page_count());
}

TEST(GuestMemory, ForEachRegionSplitsARangeAtRegionEnds) {
  auto memory = GuestMemory::create_shared({2 * kPageBytes, kPageBytes, 4 * kPageBytes});
  ASSERT_TRUE(memory.ok()) << memory.status().message();
  std::vector<std::pair<PageIndex, std::uint64_t>> parts;
  memory.value()->for_each_region(
      {1, 4}, [&](const Region&, PageRange part) { parts.emplace_back(part.first, part.count); });
  const std::vector<std::pair<PageIndex, std::uint64_t>> expected = {{1, 1}, {2, 1}, {3, 2}};
  EXPECT_EQ(parts, expected);
}

TEST(GuestMemory, SharedMemoryReportsOnlyPagesThatHoldData) {
  auto memory = GuestMemory::create_shared({kMiB, kMiB});
  ASSERT_TRUE(memory.ok()) << memory.status().message();
  const GuestMemory& guest = *memory.value();
  EXPECT_TRUE(populated_pages(guest).empty());
  *guest_page(guest, 3) = std::byte{1};
  *guest.engine_page(255) = std::byte{1};
  *guest_page(guest, 256) = std::byte{1};
  EXPECT_EQ(populated_pages(guest), (std::vector<PageIndex>{3, 255, 256}));
}

TEST(GuestMemory, AllocatedBytesAreThoseOfThePagesThatHoldDataByEitherMapping) {
  auto memory = GuestMemory::create_shared({kMiB, kMiB});
  ASSERT_TRUE(memory.ok()) << memory.status().message();
  const GuestMemory& guest = *memory.value();
  EXPECT_EQ(guest.allocated_bytes().value(), 0u);
  *guest_page(guest, 3) = std::byte{1};
  *guest.engine_page(3) = std::byte{1};
  *guest.engine_page(256) = std::byte{1};
  EXPECT_EQ(guest.allocated_bytes().value(), 2 * kPageBytes);
  ASSERT_TRUE(guest.prefault().ok());
  EXPECT_EQ(guest.allocated_bytes().value(), guest.bytes());
}

TEST(GuestMemory, FindingPopulatedPagesPopulatesNone) {
  auto memory = GuestMemory::create_shared({64 * kMiB});
  ASSERT_TRUE(memory.ok()) << memory.status().message();
  EXPECT_TRUE(populated_pages(*memory.value()).empty());
  EXPECT_TRUE(populated_pages(*memory.value()).empty());
}

TEST(GuestMemory, PrefaultPopulatesEveryPageOfEveryRegion) {
  // 64 MiB is what a thread populates at a time: a whole part and a rest, and less than one.
  auto memory = GuestMemory::create_shared({64 * kMiB + 3 * kPageBytes, 5 * kPageBytes});
  ASSERT_TRUE(memory.ok()) << memory.status().message();
  const GuestMemory& guest = *memory.value();
  ASSERT_TRUE(guest.prefault().ok());
  EXPECT_EQ(populated_pages(guest).size(), guest.page_count());
}

TEST(GuestMemory, SharedMemoryBeyondFourGiBIsAddressable) {
  auto memory = GuestMemory::create_shared({6 * kGiB});
  ASSERT_TRUE(memory.ok()) << memory.status().message();
  const GuestMemory& guest = *memory.value();
  const PageIndex last = guest.page_count() - 1;
  const PageIndex past_4g = 5 * kGiB / kPageBytes;
  std::memset(guest_page(guest, past_4g), 0x5a, kPageBytes);
  *guest_page(guest, last) = std::byte{9};
  EXPECT_EQ(guest.engine_page(past_4g)[kPageBytes - 1], std::byte{0x5a});
  EXPECT_EQ(*guest.engine_page(last), std::byte{9});
  EXPECT_EQ(populated_pages(guest), (std::vector<PageIndex>{past_4g, last}));
}

TEST(GuestMemory, AdoptedPrivateMemoryReportsOnlyTouchedPages) {
  auto mapping = Mapping::map_anonymous(4 * kMiB);
  ASSERT_TRUE(mapping.ok());
  const auto base = reinterpret_cast<std::uintptr_t>(mapping.value().data());
  auto memory = GuestMemory::adopt_private({{base, kMiB}, {base + 2 * kMiB, 2 * kMiB}});
  ASSERT_TRUE(memory.ok()) << memory.status().message();
  const GuestMemory& guest = *memory.value();
  EXPECT_EQ(guest.backing(), Backing::kPrivate);
  EXPECT_TRUE(guest.local());
  EXPECT_EQ(guest.engine_page(256), mapping.value().data() + 2 * kMiB);
  EXPECT_TRUE(populated_pages(guest).empty());
  mapping.value().data()[5 * kPageBytes] = std::byte{1};
  mapping.value().data()[kMiB + 5 * kPageBytes] = std::byte{1};  // in neither region
  mapping.value().data()[2 * kMiB] = std::byte{1};
  EXPECT_EQ(populated_pages(guest), (std::vector<PageIndex>{5, 256}));
}

TEST(GuestMemory, APartOfTheGuestCanBeSearchedForPopulatedPages) {
  auto memory = GuestMemory::create_shared({kMiB, kMiB});
  ASSERT_TRUE(memory.ok()) << memory.status().message();
  const GuestMemory& guest = *memory.value();
  for (PageIndex page = 250; page < 260; ++page) *guest_page(guest, page) = std::byte{1};
  std::vector<std::pair<PageIndex, std::uint64_t>> runs;
  const Status status = guest.for_each_populated_run(
      {252, 6}, [&](PageRange run) { runs.emplace_back(run.first, run.count); });
  ASSERT_TRUE(status.ok()) << status.message();
  const std::vector<std::pair<PageIndex, std::uint64_t>> expected = {{252, 4}, {256, 2}};
  EXPECT_EQ(runs, expected);
}

TEST(GuestMemory, ASecondLookForPopulatedPagesAddsThoseThatCameSince) {
  for (const Backing backing : {Backing::kShared, Backing::kPrivate}) {
    const TestGuest test = make_guest(backing, {3000, 1, 2000});
    const GuestMemory& guest = *test.memory;
    const Pages before = {0, 1, 2, 700, 2999, 3001, 4000};
    // In a hole beside a page, between two near ones, far from all, alone in a region, and at the very end.
    const Pages since = {3, 698, 1500, 2998, 3000, 3500, 5000};
    for (const PageIndex page : before) write_page(guest, page, 1);
    PageBitmap found(guest.page_count());
    ASSERT_TRUE(guest.find_populated(found).ok());
    EXPECT_EQ(pages_of(found), before);
    for (const PageIndex page : since) write_page(guest, page, 1);
    ASSERT_TRUE(guest.find_populated(found).ok());
    Pages all = before;
    all.insert(since.begin(), since.end());
    EXPECT_EQ(pages_of(found), all);
  }
}

TEST(GuestMemory, PagesAreFoundWhetherTheGuestHasThemMappedOrNot) {
  auto memory = GuestMemory::create_shared({4 * kMiB, 4 * kMiB});
  ASSERT_TRUE(memory.ok()) << memory.status().message();
  const GuestMemory& guest = *memory.value();
  std::mt19937 random(3);
  std::vector<PageIndex> expected;
  for (PageIndex page = 0; page < guest.page_count(); ++page) {
    switch (random() % 4) {
      case 0:
        *guest_page(guest, page) = std::byte{1};
        expected.push_back(page);
        break;
      case 1:
        *guest.engine_page(page) = std::byte{1};
        expected.push_back(page);
        break;
      default:
        break;
    }
  }
  EXPECT_EQ(populated_pages(guest), expected);
  // The guest drops some of its mappings; the pages stay.
  ASSERT_EQ(::madvise(guest_page(guest, 100), 500 * kPageBytes, MADV_DONTNEED), 0);
  EXPECT_EQ(populated_pages(guest), expected);
}

TEST(GuestMemory, TheNextPopulatedPageIsFoundBeyondHolesAndRegions) {
  auto memory = GuestMemory::create_shared({512 * kGiB, kMiB, 2 * kMiB});
  ASSERT_TRUE(memory.ok()) << memory.status().message();
  const GuestMemory& guest = *memory.value();
  const PageRange all = {0, guest.page_count()};
  const PageIndex second = 512 * kGiB / kPageBytes;
  const PageIndex in_third = second + kMiB / kPageBytes + 5;
  EXPECT_EQ(guest.next_populated(all).value(), all.end());
  *guest.engine_page(in_third) = std::byte{1};
  EXPECT_EQ(guest.next_populated(all).value(), in_third);
  *guest_page(guest, second - 1) = std::byte{1};
  EXPECT_EQ(guest.next_populated(all).value(), second - 1);
  EXPECT_EQ(guest.next_populated({second, in_third - second}).value(), in_third);
  EXPECT_EQ(guest.next_populated({second, in_third - second + 1}).value(), in_third);
  EXPECT_EQ(guest.next_populated({in_third + 1, 3}).value(), in_third + 4);
  EXPECT_EQ(guest.next_populated({0, second - 1}).value(), second - 1);
}

TEST(GuestMemory, FindsTheHolesAmongGivenPagesInBothBackings) {
  for (const Backing backing : {Backing::kShared, Backing::kPrivate}) {
    const TestGuest owner = make_guest(backing, {3000, 1, 5000});
    const GuestMemory& guest = *owner.memory;
    const PageBitmap written = random_pages(guest.page_count(), 2, 3);
    for_each_page(written, [&](PageIndex page) { write_page(guest, page); });
    PageBitmap among = random_pages(guest.page_count(), 3, 4);
    among.clear_range({3500, 2000});  // A gap that is worth two calls.
    PageBitmap holes(guest.page_count());
    holes.set(3600);
    ASSERT_TRUE(guest.find_holes(among, holes).ok());
    Pages expected = {3600};
    for_each_page(among, [&](PageIndex page) {
      if (!written.test(page)) expected.insert(page);
    });
    EXPECT_EQ(pages_of(holes), expected);
  }
}

TEST(GuestMemory, IsNeverOpenToTheAgentWhileGuestThreadsMayWait) {
  const TestGuest arriving = make_guest(Backing::kShared, {1});
  EXPECT_FALSE(arriving.memory->is_open_to_agent());
  ASSERT_TRUE(arriving.memory->begin_waits([] {}).ok());
  EXPECT_EQ(arriving.memory->open_to_agent().code(), StatusCode::kUnsupported);
  EXPECT_FALSE(arriving.memory->is_open_to_agent());
  arriving.memory->end_waits();
  ASSERT_TRUE(arriving.memory->open_to_agent().ok());
  EXPECT_TRUE(arriving.memory->is_open_to_agent());
  EXPECT_EQ(arriving.memory->begin_waits([] {}).code(), StatusCode::kUnsupported);
}

TEST(GuestMemory, RefusesSizesAndBasesThatAreNotWholePages) {
  EXPECT_EQ(GuestMemory::create_shared({}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(GuestMemory::create_shared({0}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(GuestMemory::create_shared({kPageBytes + 1}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(GuestMemory::create_shared({~std::uint64_t{0} << 12}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(GuestMemory::adopt_private({{123, kPageBytes}}).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(GuestMemory, RefusesAForeignMemfdThatIsShorterThanItsRegion) {
  auto donor = GuestMemory::create_shared({kPageBytes});
  ASSERT_TRUE(donor.ok());
  std::vector<GuestMemory::ForeignRegion> regions;
  regions.push_back(
      {UniqueFd(::dup(donor.value()->regions()[0].memory_fd.get())), 0x10000, 2 * kPageBytes});
  auto memory =
      GuestMemory::adopt_foreign(std::move(regions), UniqueFd(::dup(0)), UniqueFd(::dup(0)));
  EXPECT_EQ(memory.status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace pageferry
