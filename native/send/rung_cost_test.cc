#include "send/rung_cost.h"

#include <gtest/gtest.h>
#include <time.h>

#include <atomic>
#include <thread>
#include <vector>

#include "codec/block_test_util.h"

namespace pageferry {
namespace {

double thread_nanoseconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// Threads that want every core, as long as it lives.
class BusyMachine {
 public:
  BusyMachine() {
    for (unsigned i = 0; i < 4 * std::thread::hardware_concurrency(); ++i) {
      threads_.emplace_back([this] {
        while (!over_) {
        }
      });
    }
  }
  ~BusyMachine() {
    over_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  std::atomic<bool> over_ = false;
  std::vector<std::thread> threads_;
};

class RungCost : public ::testing::TestWithParam<Encoding> {};

// It encodes everything more than once and takes the least, so it has run longer than what it says.
TEST_P(RungCost, IsNoMoreThanThisThreadHasRunForItThoughTheMachineIsBusy) {
  constexpr std::size_t kPages = 1024;
  testing::Random random(1);
  const testing::Bytes sample = testing::words(random, kPages * kCodecPageBytes);
  const Rung rung = {
      .method = Method::kBlocks, .encoding = GetParam(), .level = 1, .block_pages = 16};
  const BusyMachine busy;
  const double started = thread_nanoseconds();
  const double cost = nanoseconds_a_page(rung, sample);
  EXPECT_GT(cost, 0);
  EXPECT_LE(2 * kPages * cost, thread_nanoseconds() - started);
}

INSTANTIATE_TEST_SUITE_P(Encodings, RungCost,
                         ::testing::Values(Encoding::kWkdm64, Encoding::kLz4, Encoding::kZstd));

}  // namespace
}  // namespace pageferry
