#include "os/pagemap.h"

#include <gtest/gtest.h>

#include <vector>

#include "os/mapping.h"

namespace pageferry {
namespace {

constexpr std::uint64_t kPage = 4096;

TEST(Pagemap, PopulatedPagesAreFoundAndHolesAreNot) {
  auto pagemap = Pagemap::open_self();
  ASSERT_TRUE(pagemap.ok()) << pagemap.status().message();
  auto mapping = Mapping::map_anonymous(2000 * kPage);
  ASSERT_TRUE(mapping.ok());
  const auto base = reinterpret_cast<std::uintptr_t>(mapping.value().data());
  // Every third page: more runs than one system call returns.
  std::vector<std::uint64_t> expected;
  for (std::uint64_t page = 0; page < 2000; page += 3) {
    mapping.value().data()[page * kPage] = std::byte{1};
    expected.push_back(base + page * kPage);
  }
  std::vector<std::uint64_t> found;
  const Status status = pagemap.value().scan_populated({base, 2000 * kPage}, [&](AddressRange run) {
    for (std::uint64_t at = run.start; at < run.start + run.bytes; at += kPage) {
      found.push_back(at);
    }
  });
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(found, expected);
}

TEST(Pagemap, ScanningMemoryThatNobodyTracksFails) {
  if (!Pagemap::scan_is_offered()) GTEST_SKIP() << "this kernel has no PAGEMAP_SCAN (Linux 6.7)";
  auto pagemap = Pagemap::open_self();
  ASSERT_TRUE(pagemap.ok());
  auto mapping = Mapping::map_anonymous(kPage);
  ASSERT_TRUE(mapping.ok());
  const AddressRange page{reinterpret_cast<std::uintptr_t>(mapping.value().data()), kPage};
  EXPECT_FALSE(pagemap.value().write_protect_is_async(page));
  EXPECT_FALSE(
      pagemap.value()
          .scan_written(page, Pagemap::Rearm::kYes, Pagemap::Unmapped::kClean, [](AddressRange) {})
          .ok());
}

TEST(Pagemap, AProcessThatDoesNotExistIsAnError) { EXPECT_FALSE(Pagemap::open_process(0).ok()); }

}  // namespace
}  // namespace pageferry
