// A fuzz target: bytes in, and properties that hold whatever the bytes are.
//
// Each NAME_fuzz.cc defines fuzz(). In a build for fuzzing libFuzzer calls it (libfuzzer.cc); in every other build
// replay.cc does, with the files of test/vectors/fuzz/NAME.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace pageferry::fuzzing {

using Input = std::span<const std::byte>;
using Bytes = std::vector<std::byte>;

// Whatever it leaves behind must not change what the next input does, or no finding could be repeated.
void fuzz(Input input);

// What a replay ends with where this machine lacks what the target needs.
inline constexpr int kSkipped = 77;

[[noreturn]] inline void skip(const std::string& reason) {
  std::fprintf(stderr, "skipped: %s\n", reason.c_str());
  std::_Exit(kSkipped);
}

// A property: where it does not hold, the input is a finding. Its text is a literal, because a string would be allocated
// millions of times for nothing.
inline void require(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", property);
  std::abort();
}

// Takes the choices that a target makes off the front of its input. Once the input is used up all are 0.
class Choices {
 public:
  explicit Choices(Input input) : left_(input) {}

  template <class T>
  T take() {
    T value = {};
    const std::size_t bytes = std::min(sizeof(value), left_.size());
    if (bytes > 0) std::memcpy(&value, left_.data(), bytes);
    left_ = left_.subspan(bytes);
    return value;
  }
  // As many as are there, at most `count`.
  template <class T>
  std::vector<T> take_all(std::size_t count) {
    std::vector<T> values(std::min(count, left_.size() / sizeof(T)));
    for (T& value : values) value = take<T>();
    return values;
  }
  Input rest() const { return left_; }

 private:
  Input left_;
};

}  // namespace pageferry::fuzzing
