// Random numbers for guest programs and page contents: integers only, the same on every host and
// compiler.
//
// Each operation of a guest thread has its own numbers, drawn from (stream, operation) alone, so
// the count of operations is all the state a program has.
//
// Thread contract: pure functions and plain values.
#pragma once

#include <cstdint>

namespace pageferry {

__extension__ using Uint128 = unsigned __int128;

inline constexpr std::uint64_t kGoldenGamma = 0x9e3779b97f4a7c15;

// A bijection of 64-bit words in which each input bit changes about half of the output bits
// (SplitMix64's output function).
constexpr std::uint64_t mix64(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// [0, bound), from one random word. The bias is below bound / 2^64.
constexpr std::uint64_t scale_below(std::uint64_t random, std::uint64_t bound) {
  return static_cast<std::uint64_t>((static_cast<Uint128>(random) * bound) >> 64);
}

// SplitMix64.
class Rng {
 public:
  explicit constexpr Rng(std::uint64_t seed) : state_(seed) {}

  constexpr std::uint64_t next() {
    state_ += kGoldenGamma;
    return mix64(state_);
  }
  constexpr std::uint64_t below(std::uint64_t bound) { return scale_below(next(), bound); }

 private:
  std::uint64_t state_;
};

// The numbers of one operation of one stream. The hash keeps neighbouring operations, which all
// step by the same gamma, from sharing numbers.
constexpr Rng rng_of_operation(std::uint64_t stream, std::uint64_t operation) {
  return Rng(mix64(stream ^ operation * 0xd1342543de82ef95));
}

}  // namespace pageferry
