#include "send/effort.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace pageferry {
namespace {

constexpr EffortPlan kLow = {
    .lower = {.method = Method::kRaw, .encoding = Encoding::kLz4, .level = 1, .block_pages = 1},
    .upper = {.method = Method::kBlocks,
              .encoding = Encoding::kWkdm64,
              .level = 2,
              .block_pages = 16},
    .deltas = Deltas::kNone,
    .encoders = 0,
    .queue_units = 1};
// Each of its fields differs from that of the other plan, and some have the highest value that they can hold.
constexpr EffortPlan kHigh = {.lower = {.method = Method::kMecom,
                                        .encoding = Encoding::kXbzrle,
                                        .level = 19,
                                        .block_pages = 64},
                              .upper = {.method = Method::kRaw,
                                        .encoding = Encoding::kZstd,
                                        .level = 255,
                                        .block_pages = 255},
                              .deltas = Deltas::kXbzrle,
                              .encoders = 255,
                              .queue_units = 65535};

void expect_plan(const Effort& effort, const EffortPlan& plan) {
  EXPECT_EQ(effort.rung(false), plan.lower);
  EXPECT_EQ(effort.rung(true), plan.upper);
  EXPECT_EQ(effort.deltas(), plan.deltas);
  EXPECT_EQ(effort.encoders(), plan.encoders);
  EXPECT_EQ(effort.queue_bytes(), std::uint64_t{plan.queue_units} << 16);
}

TEST(Effort, EveryFieldOfAPlanComesBack) {
  Effort effort(kLow);
  expect_plan(effort, kLow);
  effort.set(kHigh);
  expect_plan(effort, kHigh);
  for (const Deltas deltas : {Deltas::kNone, Deltas::kZstd, Deltas::kLz4, Deltas::kXbzrle}) {
    EffortPlan plan = kLow;
    plan.deltas = deltas;
    effort.set(plan);
    expect_plan(effort, plan);
  }
}

TEST(Effort, AReaderNeverSeesHalfARungWhilePlansChange) {
  Effort effort(kLow);
  std::atomic<bool> done = false;
  std::thread policy([&] {
    for (int i = 0; i < 100'000; ++i) effort.set(i % 2 == 0 ? kHigh : kLow);
    done = true;
  });
  std::uint64_t broken = 0;
  do {
    const Rung lower = effort.rung(false);
    const Rung upper = effort.rung(true);
    if (lower != kLow.lower && lower != kHigh.lower) ++broken;
    if (upper != kLow.upper && upper != kHigh.upper) ++broken;
    const std::uint32_t encoders = effort.encoders();
    if (encoders != kLow.encoders && encoders != kHigh.encoders) ++broken;
  } while (!done);
  policy.join();
  EXPECT_EQ(broken, 0u);
}

}  // namespace
}  // namespace pageferry
