#include "os/core_affinity.h"

#include <gtest/gtest.h>

#include <optional>

namespace pageferry {
namespace {

cpu_set_t allowed_cores() {
  cpu_set_t cores;
  EXPECT_EQ(::sched_getaffinity(0, sizeof(cores), &cores), 0);
  return cores;
}

bool same(const cpu_set_t& one, const cpu_set_t& other) { return CPU_EQUAL(&one, &other) != 0; }

TEST(CoreAffinity, KeepsTheThreadOnOneOfItsCoresAndThenGivesBackAll) {
  const cpu_set_t before = allowed_cores();
  {
    const CoreAffinity kept(0);
    const cpu_set_t during = allowed_cores();
    EXPECT_EQ(CPU_COUNT(&during), 1);
    EXPECT_TRUE(CPU_ISSET(::sched_getcpu(), &before));
  }
  EXPECT_TRUE(same(allowed_cores(), before));
}

TEST(CoreAffinity, NumbersGoRoundTheCoresThatTheThreadMayUse) {
  const cpu_set_t before = allowed_cores();
  const auto count = static_cast<std::size_t>(CPU_COUNT(&before));
  cpu_set_t all;
  CPU_ZERO(&all);
  cpu_set_t first;
  for (std::size_t number = 0; number < count; ++number) {
    const CoreAffinity kept(number);
    const cpu_set_t one = allowed_cores();
    if (number == 0) first = one;
    CPU_OR(&all, &all, &one);
  }
  EXPECT_TRUE(same(all, before));
  const CoreAffinity again(count);
  EXPECT_TRUE(same(allowed_cores(), first));
}

}  // namespace
}  // namespace pageferry
