#include "os/contained.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace pageferry {
namespace {

TEST(Contained, AnswersWhatTheWorkAnswers) {
  EXPECT_TRUE(contained([] { return Status(); }).ok());
  EXPECT_EQ(contained([] { return Status(StatusCode::kBusy, "busy"); }).code(), StatusCode::kBusy);
  EXPECT_EQ(contained([]() -> Result<int> { return 7; }).value(), 7);
}

TEST(Contained, MemoryThatRunsOutIsAStatus) {
  EXPECT_EQ(contained([]() -> Status { throw std::bad_alloc(); }).code(), StatusCode::kNoMemory);
  const auto too_long = contained([]() -> Result<std::size_t> {
    std::vector<char> bytes;
    bytes.reserve(bytes.max_size() + 1);
    return bytes.size();
  });
  EXPECT_EQ(too_long.status().code(), StatusCode::kNoMemory);
}

TEST(Contained, WhateverElseIsThrownIsAStatusThatSaysWhat) {
  const Status system = contained(
      []() -> Status { throw std::system_error(EAGAIN, std::generic_category(), "a thing"); });
  EXPECT_EQ(system.code(), StatusCode::kSystem);
  EXPECT_EQ(system.system_error(), EAGAIN);
  EXPECT_NE(system.message().find("a thing"), std::string::npos) << system.message();
  const Status other = contained([]() -> Status { throw std::runtime_error("some reason"); });
  EXPECT_EQ(other.code(), StatusCode::kSystem);
  EXPECT_EQ(other.message(), "some reason");
  EXPECT_FALSE(contained([]() -> Status { throw 7; }).ok());
}

}  // namespace
}  // namespace pageferry
