// Zipf-distributed items with exponent 1, by integer arithmetic.
//
// Rank r of n comes up with probability proportional to 1/r. Octave k holds the ranks
// [2^k, 2^(k+1)). Proposing an octave uniformly, then a rank of it uniformly, gives rank r with
// probability proportional to 2^-k; accepting it with probability 2^k / r makes that 1/r. About two
// thirds of the proposals are accepted.
//
// Thread contract: immutable.
#pragma once

#include <bit>
#include <cstdint>
#include <numeric>

#include "workload/rng.h"

namespace pageferry {

class Zipf {
 public:
  explicit Zipf(std::uint64_t items)
      : items_(items), octaves_(std::bit_width(items)), scatter_(coprime_step(items)) {}

  // Rank 1 is the most frequent.
  std::uint64_t rank(Rng& rng) const {
    for (;;) {
      const std::uint64_t proposal = rng.next();
      const std::uint64_t octave = scale_below(proposal, octaves_);
      const std::uint64_t first = std::uint64_t{1} << octave;
      // The octave comes from the high bits of the proposal, the rank within it from the low ones.
      const std::uint64_t rank = first | (proposal & (first - 1));
      if (rank <= items_ && scale_below(rng.next(), rank) < first) return rank;
    }
  }

  // Spreads the ranks over [0, items), so that neighbouring ranks are not neighbouring items.
  std::uint64_t item_of_rank(std::uint64_t rank) const { return (rank - 1) * scatter_ % items_; }
  std::uint64_t item(Rng& rng) const { return item_of_rank(rank(rng)); }

 private:
  // Coprime with `items`, so that multiplying by it permutes the items; small enough that the
  // product of any rank stays within 64 bits.
  static std::uint64_t coprime_step(std::uint64_t items) {
    std::uint64_t step = scale_below(kGoldenGamma, items < (1u << 23) ? items : (1u << 23)) | 1;
    while (std::gcd(step, items) != 1) step += 2;
    return step;
  }

  std::uint64_t items_;
  std::uint64_t octaves_;
  std::uint64_t scatter_;
};

}  // namespace pageferry
