#include "workload/program.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

namespace pageferry {
namespace {

constexpr WorkloadKind kWritingKinds[] = {WorkloadKind::kSequential, WorkloadKind::kUniform,
                                          WorkloadKind::kHotset,     WorkloadKind::kZipf,
                                          WorkloadKind::kPhased,     WorkloadKind::kKv};

std::vector<std::uint64_t> count_items(const Program& program, std::uint64_t items,
                                       std::uint64_t operations) {
  std::vector<std::uint64_t> counts(items);
  for (std::uint64_t i = 0; i < operations; ++i) ++counts.at(program.choose(i).item);
  return counts;
}

TEST(Program, EveryKindStaysWithinItsItems) {
  for (const WorkloadKind kind : kWritingKinds) {
    for (const std::uint64_t items : {1, 2, 3, 5, 64, 1000}) {
      const Program program(kind, items, thread_stream(7, 0));
      for (std::uint64_t i = 0; i < 2000; ++i) ASSERT_LT(program.choose(i).item, items);
    }
  }
}

TEST(Program, TheSameStreamChoosesTheSameItems) {
  for (const WorkloadKind kind : kWritingKinds) {
    const Program one(kind, 1000, thread_stream(7, 3));
    const Program two(kind, 1000, thread_stream(7, 3));
    for (std::uint64_t i = 0; i < 1000; ++i) ASSERT_EQ(one.choose(i).item, two.choose(i).item);
  }
}

TEST(Program, ThreadsAndSeedsHaveDifferentStreams) {
  std::set<std::uint64_t> streams;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    for (std::uint32_t thread = 0; thread < 10; ++thread) {
      streams.insert(thread_stream(seed, thread));
    }
  }
  EXPECT_EQ(streams.size(), 1000u);
}

TEST(Program, SequentialSweepsItsItemsInOrder) {
  const Program program(WorkloadKind::kSequential, 10, 1);
  for (std::uint64_t i = 0; i < 25; ++i) EXPECT_EQ(program.choose(i).item, i % 10);
}

TEST(Program, UniformTouchesEveryItemAboutEquallyOften) {
  const Program program(WorkloadKind::kUniform, 100, thread_stream(1, 0));
  for (const std::uint64_t count : count_items(program, 100, 100'000)) {
    EXPECT_NEAR(static_cast<double>(count), 1000, 200);  // more than six standard deviations
  }
}

TEST(Program, HotsetSendsNineWritesInTenToATenthOfTheItems) {
  const auto counts =
      count_items(Program(WorkloadKind::kHotset, 1000, thread_stream(1, 0)), 1000, 100'000);
  const auto hot = std::accumulate(counts.begin(), counts.begin() + 100, std::uint64_t{0});
  EXPECT_NEAR(static_cast<double>(hot), 91'000, 1000);  // 90 % and a tenth of the others
}

TEST(Program, ZipfGivesRankRAProbabilityProportionalToOneOverR) {
  constexpr std::uint64_t kItems = 1000;
  constexpr double kDraws = 1'000'000;
  const Zipf zipf(kItems);
  Rng rng(42);
  std::vector<double> seen(kItems + 1);
  for (int i = 0; i < kDraws; ++i) ++seen.at(zipf.rank(rng));
  double harmonic = 0;
  for (std::uint64_t rank = 1; rank <= kItems; ++rank) harmonic += 1.0 / rank;
  double chi_square = 0;
  for (std::uint64_t rank = 1; rank <= kItems; ++rank) {
    const double expected = kDraws / (rank * harmonic);
    chi_square += (seen[rank] - expected) * (seen[rank] - expected) / expected;
  }
  EXPECT_EQ(seen[0], 0);
  EXPECT_LT(chi_square, 1200);  // 999 degrees of freedom: mean 999, standard deviation 45
}

TEST(Program, ZipfWritesOneItemInSevenToTheHottestOfAThousand) {
  for (const WorkloadKind kind : {WorkloadKind::kZipf, WorkloadKind::kKv}) {
    const auto counts = count_items(Program(kind, 1000, thread_stream(1, 0)), 1000, 100'000);
    const auto hottest = *std::max_element(counts.begin(), counts.end());
    EXPECT_NEAR(static_cast<double>(hottest), 13'359, 700);  // 1 / H(1000) of the operations
  }
}

TEST(Program, ZipfScattersItsRanksOverAllItems) {
  for (const std::uint64_t items : {1u, 2u, 3u, 6u, 30u, 1000u, 65536u}) {
    const Zipf zipf(items);
    std::set<std::uint64_t> seen;
    for (std::uint64_t rank = 1; rank <= items; ++rank) seen.insert(zipf.item_of_rank(rank));
    EXPECT_EQ(seen.size(), items);
    EXPECT_LT(*seen.rbegin(), items);
  }
}

TEST(Program, PhasedWritesOneWindowAndThenTheNext) {
  const std::uint64_t per_phase = 25 * 64;
  const Program program(WorkloadKind::kPhased, 100, thread_stream(1, 0));
  for (std::uint64_t phase = 0; phase < 6; ++phase) {
    for (std::uint64_t i = phase * per_phase; i < (phase + 1) * per_phase; ++i) {
      ASSERT_EQ(program.choose(i).item / 25, phase % 4);
    }
  }
}

TEST(Program, KvReadsAboutAsOftenAsItWrites) {
  const Program program(WorkloadKind::kKv, 100, thread_stream(1, 0));
  int writes = 0;
  for (std::uint64_t i = 0; i < 10'000; ++i) writes += program.choose(i).write;
  EXPECT_NEAR(writes, 5000, 300);
}

}  // namespace
}  // namespace pageferry
