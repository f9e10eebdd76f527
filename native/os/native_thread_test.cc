#include "os/native_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>

#include "os/thread_test_util.h"

namespace pageferry {
namespace {

TEST(NativeThread, IsJoinedByItsOwner) {
  std::atomic<bool> ran{false};
  {
    const auto thread = NativeThread::start("test", [&]() noexcept { ran.store(true); });
    ASSERT_TRUE(thread.ok()) << thread.status().message();
  }
  EXPECT_TRUE(ran.load());
}

TEST(NativeThread, IsRefusedWithTheReasonWhenTheSystemHasNoneLeft) {
  std::atomic<bool> ran{false};
  {
    testing::ThreadLimit limit;
    limit.reach();
    const auto thread = NativeThread::start("some-work", [&]() noexcept { ran.store(true); });
    ASSERT_FALSE(thread.ok());
    EXPECT_EQ(thread.status().system_error(), EAGAIN);
    EXPECT_NE(thread.status().message().find("no thread left for some-work"), std::string::npos)
        << thread.status().message();
    EXPECT_EQ(NativeThread::start_detached("some-work", [&]() noexcept { ran.store(true); })
                  .system_error(),
              EAGAIN);
  }
  EXPECT_FALSE(ran.load());
  EXPECT_TRUE(NativeThread::start("test", []() noexcept {}).ok());
}

}  // namespace
}  // namespace pageferry
