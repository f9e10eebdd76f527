#include "workload/mark_timer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace pageferry {
namespace {

// The marks of a thread that has done an operation at each of these moments.
std::vector<std::int64_t> marks_at(const std::vector<std::int64_t>& moments) {
  MarkTimer timer;
  std::vector<std::int64_t> marks;
  for (const std::int64_t ns : moments) {
    if (timer.due(ns)) marks.push_back(ns);
  }
  return marks;
}

// `count` operations of `ns` each, the first of which ends at `start`.
std::vector<std::int64_t> operations(std::int64_t start, std::int64_t ns, int count) {
  std::vector<std::int64_t> moments;
  for (int i = 0; i < count; ++i) moments.push_back(start + i * ns);
  return moments;
}

TEST(MarkTimer, MarksTheFirstOperation) {
  for (const std::int64_t start : {std::int64_t{0}, std::int64_t{5}, std::int64_t{1} << 60}) {
    EXPECT_EQ(marks_at({start}).size(), 1u);
  }
}

TEST(MarkTimer, MarksShortOperationsOnceInAnInterval) {
  for (const std::int64_t ns : {40, 333, 25'000}) {
    const auto marks = marks_at(operations(1'000'000, ns, 100'000));
    ASSERT_GT(marks.size(), 2u);
    for (std::size_t i = 1; i < marks.size(); ++i) {
      EXPECT_GE(marks[i] - marks[i - 1], kMarkIntervalNs);
      EXPECT_LT(marks[i] - marks[i - 1], kMarkIntervalNs + ns);
    }
  }
}

TEST(MarkTimer, MarksEachOperationThatTakesLongerThanTheInterval) {
  const auto moments = operations(1'000'000, kMarkIntervalNs + 1, 50);
  EXPECT_EQ(marks_at(moments), moments);
}

TEST(MarkTimer, AGapIsTheSameInFewLongOperationsAndInManyShortOnes) {
  constexpr std::int64_t kStop = 5'000'000;
  for (const std::int64_t ns : {50, 1000, 90'000}) {
    auto moments = operations(1'000'000, ns, 20'000);
    const auto after = operations(moments.back() + kStop, ns, 20'000);
    moments.insert(moments.end(), after.begin(), after.end());
    const auto marks = marks_at(moments);
    std::int64_t longest = 0;
    for (std::size_t i = 1; i < marks.size(); ++i) {
      longest = std::max(longest, marks[i] - marks[i - 1]);
    }
    EXPECT_GE(longest, kStop);
    EXPECT_LT(longest, kStop + kMarkIntervalNs);
  }
}

}  // namespace
}  // namespace pageferry
