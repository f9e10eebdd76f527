#include "os/kept_threads.h"

#include <gtest/gtest.h>

#include <future>
#include <set>
#include <thread>
#include <vector>

namespace pageferry {
namespace {

TEST(KeptThreads, EachPieceOfWorkRunsAtOnceHoweverLongTheOthersWait) {
  KeptThreads threads;
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  constexpr int kPieces = 20;
  std::vector<std::promise<void>> began(kPieces);
  std::vector<std::promise<void>> ended(kPieces);
  for (int i = 0; i < kPieces; ++i) {
    ASSERT_TRUE(threads
                    .run([&, i] {
                      began[i].set_value();
                      released.wait();
                      ended[i].set_value();
                    })
                    .ok());
  }
  for (auto& one : began) one.get_future().wait();
  release.set_value();
  for (auto& one : ended) one.get_future().wait();
}

TEST(KeptThreads, AThreadServesAgain) {
  KeptThreads threads;
  std::set<std::thread::id> seen;
  // At once only if the thread has become idle before the next piece of work comes.
  while (true) {
    std::promise<std::thread::id> ran;
    ASSERT_TRUE(threads.run([&] { ran.set_value(std::this_thread::get_id()); }).ok());
    if (!seen.insert(ran.get_future().get()).second) break;
  }
}

TEST(KeptThreads, WhatAPieceOfWorkHoldsIsLetGoOfWhenItIsOver) {
  KeptThreads threads;
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = held;
  ASSERT_TRUE(threads.run([held = std::move(held)] {}).ok());
  while (!watch.expired()) std::this_thread::yield();
}

TEST(KeptThreads, ABusyThreadOutlivesThePool) {
  std::promise<void> release;
  std::promise<void> ended;
  {
    KeptThreads threads;
    ASSERT_TRUE(threads
                    .run([&] {
                      release.get_future().wait();
                      ended.set_value();
                    })
                    .ok());
  }
  release.set_value();
  ended.get_future().wait();
}

}  // namespace
}  // namespace pageferry
