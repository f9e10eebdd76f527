#include "send/dense_parts.h"

#include <gtest/gtest.h>

#include "region/guest_test_util.h"

namespace pageferry {
namespace {

using namespace testing;

constexpr std::uint64_t kLeast = 4 * kHugePagePages;
constexpr std::size_t kMany = 1000;

// Writes every page of the run with content, or with zeros, which populates them all the same.
void write_run(const GuestMemory& memory, PageRange run, std::uint64_t value) {
  for (PageIndex page = run.first; page < run.end(); ++page) write_page(memory, page, value);
}

std::vector<std::pair<PageIndex, std::uint64_t>> dense_parts(const GuestMemory& memory,
                                                             std::size_t most = kMany) {
  const auto found = find_dense_parts(memory, most);
  EXPECT_TRUE(found.ok()) << found.status().message();
  std::vector<std::pair<PageIndex, std::uint64_t>> parts;
  for (const PageRange part : found.value()) parts.emplace_back(part.first, part.count);
  return parts;
}

class DenseParts : public ::testing::TestWithParam<Backing> {};

TEST_P(DenseParts, AreHugePagesThatAreAllThereAndHaveContent) {
  const TestGuest guest = make_guest(GetParam(), {4 * kLeast});
  write_run(*guest.memory, {0, kLeast + kHugePagePages}, 1);
  write_run(*guest.memory, {kLeast + kHugePagePages, kLeast}, 0);
  write_run(*guest.memory, {2 * kLeast + 2 * kHugePagePages + 1, kLeast + kHugePagePages}, 1);
  const std::vector<std::pair<PageIndex, std::uint64_t>> expected = {
      {0, kLeast + kHugePagePages}, {2 * kLeast + 3 * kHugePagePages, kLeast}};
  EXPECT_EQ(dense_parts(*guest.memory), expected);
}

TEST_P(DenseParts, BeginWhereTheirRegionDoes) {
  const TestGuest guest = make_guest(GetParam(), {10, kLeast + 10});
  write_run(*guest.memory, {0, guest.memory->page_count()}, 1);
  const std::vector<std::pair<PageIndex, std::uint64_t>> expected = {{10, kLeast}};
  EXPECT_EQ(dense_parts(*guest.memory), expected);
}

TEST_P(DenseParts, OfManyTheLongestAreNamedInOrder) {
  const TestGuest guest = make_guest(GetParam(), {9 * kLeast});
  write_run(*guest.memory, {0, 2 * kLeast}, 1);
  write_run(*guest.memory, {3 * kLeast, kLeast}, 1);
  write_run(*guest.memory, {5 * kLeast, 3 * kLeast}, 1);
  const std::vector<std::pair<PageIndex, std::uint64_t>> expected = {{0, 2 * kLeast},
                                                                     {5 * kLeast, 3 * kLeast}};
  EXPECT_EQ(dense_parts(*guest.memory, 2), expected);
}

TEST_P(DenseParts, AreNotShort) {
  const TestGuest guest = make_guest(GetParam(), {2 * kLeast});
  write_run(*guest.memory, {0, kLeast - 1}, 1);
  EXPECT_TRUE(dense_parts(*guest.memory).empty());
}

TEST_P(DenseParts, AreNoneInMemoryThatNobodyTouched) {
  const TestGuest guest = make_guest(GetParam(), {4 * kHugePagePages});
  EXPECT_TRUE(dense_parts(*guest.memory).empty());
}

INSTANTIATE_TEST_SUITE_P(Backings, DenseParts,
                         ::testing::Values(Backing::kShared, Backing::kPrivate),
                         [](const auto& backing) {
                           return backing.param == Backing::kShared ? "Shared" : "Private";
                         });

}  // namespace
}  // namespace pageferry
