#include "send/push_width.h"

#include <gtest/gtest.h>

#include "os/thread_test_util.h"

namespace pageferry {
namespace {

using namespace std::chrono_literals;
using testing::WatchedThread;

// The push's first thread, to whom a test tells the time.
struct Push {
  PushWidth::Clock::time_point now{};
  PushWidth width{now};

  void observe(std::uint64_t demands, std::chrono::nanoseconds later) {
    now += later;
    width.observe(demands, now);
  }
};

// Whether one more channel is let in; waits for it, or for the end.
struct OneMore {
  explicit OneMore(const PushWidth& width)
      : thread([this, &width] { let_in = width.wait_for_all(); }) {}
  bool let_in = false;
  WatchedThread thread;
};

TEST(PushWidth, OneMoreChannelWaitsWhilePagesAreDemanded) {
  Push push;
  OneMore more(push.width);
  for (std::uint64_t demands = 1; demands < 50; ++demands) {
    push.observe(demands, PushWidth::kQuiet - 1ns);
  }
  more.thread.wait_until_asleep();
  push.width.end();
  more.thread.join();
  EXPECT_FALSE(more.let_in);
}

TEST(PushWidth, AllChannelsPushOnceNoPageHasBeenDemandedForAWhile) {
  Push push;
  push.observe(7, 5ms);
  OneMore more(push.width);
  push.observe(7, PushWidth::kQuiet - 1ns);
  more.thread.wait_until_asleep();
  push.observe(7, 1ns);
  more.thread.join();
  EXPECT_TRUE(more.let_in);
}

TEST(PushWidth, AGuestThatNeverAsksIsQuietFromTheStart) {
  Push push;
  push.observe(0, PushWidth::kQuiet);
  EXPECT_TRUE(push.width.wait_for_all());
}

TEST(PushWidth, ADemandedPageSendsTheOthersBackToWaiting) {
  Push push;
  push.observe(1, 1ms);
  push.observe(1, PushWidth::kQuiet);
  ASSERT_TRUE(push.width.wait_for_all());
  push.observe(2, 1ms);
  OneMore more(push.width);
  more.thread.wait_until_asleep();
  push.width.end();
  more.thread.join();
  EXPECT_FALSE(more.let_in);
}

}  // namespace
}  // namespace pageferry
