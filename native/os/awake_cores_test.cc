#include "os/awake_cores.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstdint>

namespace pageferry {
namespace {

constexpr const char* kRequests = "/dev/cpu_dma_latency";

// What the kernel goes by: the least of all requests.
std::int32_t longest_wake_up_us() {
  const UniqueFd fd(::open(kRequests, O_RDONLY | O_CLOEXEC));
  std::int32_t value = -1;
  EXPECT_EQ(::read(fd.get(), &value, sizeof(value)), static_cast<ssize_t>(sizeof(value)));
  return value;
}

TEST(AwakeCores, TheKernelKeepsCoresAwakeWhileTheyAreHeld) {
  if (::access(kRequests, R_OK | W_OK) != 0) GTEST_SKIP() << kRequests << " is not ours to write";
  AwakeCores cores;
  EXPECT_FALSE(cores.held());
  cores.hold();
  EXPECT_TRUE(cores.held());
  EXPECT_EQ(longest_wake_up_us(), 0);
  cores.hold();
  cores.release();
  EXPECT_FALSE(cores.held());
  cores.release();
}

}  // namespace
}  // namespace pageferry
