#include "os/stopped_process.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <new>

namespace pageferry {
namespace {

// A child that counts for as long as it runs.
class Counter {
 public:
  Counter() {
    void* const shared = ::mmap(nullptr, sizeof(std::atomic<std::uint64_t>), PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    count_ = new (shared) std::atomic<std::uint64_t>(0);
    pid_ = ::fork();
    if (pid_ == 0) {
      for (;;) count_->fetch_add(1);
    }
    await_more();
  }
  ~Counter() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ::munmap(count_, sizeof *count_);
  }

  int pid() const { return pid_; }
  std::uint64_t count() const { return count_->load(); }
  // Fails unless it runs.
  void await_more() const {
    const std::uint64_t before = count();
    for (int look = 0; look < 10'000 && count() == before; ++look) ::usleep(1000);
    EXPECT_NE(count(), before);
  }

 private:
  std::atomic<std::uint64_t>* count_;
  int pid_;
};

TEST(StoppedProcess, StandsStillAndThenGoesOn) {
  const Counter counter;
  {
    const auto stopped = StoppedProcess::stop(counter.pid());
    ASSERT_TRUE(stopped.ok()) << stopped.status().message();
    const std::uint64_t before = counter.count();
    ::usleep(20'000);
    EXPECT_EQ(counter.count(), before);
  }
  counter.await_more();
}

TEST(StoppedProcess, OneThatWasStoppedBeforeStaysSo) {
  const Counter counter;
  ASSERT_EQ(::kill(counter.pid(), SIGSTOP), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(counter.pid(), &status, WUNTRACED), counter.pid());
  { ASSERT_TRUE(StoppedProcess::stop(counter.pid()).ok()); }
  const std::uint64_t before = counter.count();
  ::usleep(20'000);
  EXPECT_EQ(counter.count(), before);
}

TEST(StoppedProcess, OneThatIsNotThereIsAClearError) {
  const int pid = ::fork();
  if (pid == 0) ::_exit(0);
  ::waitpid(pid, nullptr, 0);
  EXPECT_EQ(StoppedProcess::stop(pid).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(StoppedProcess::stop(::getpid()).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace pageferry
