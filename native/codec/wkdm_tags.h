// The tags of a page's words, two bits each and 32 in a group, and how many there are of each.
//
// Thread contract: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace pageferry::wkdm {

using TagGroup = std::uint64_t;
inline constexpr unsigned kTagBits = 2;
inline constexpr std::size_t kGroupWords = 32;

struct TagCounts {
  std::size_t exact = 0;
  std::size_t partial = 0;
  std::size_t miss = 0;
};

// Adds up the lower bits of tags. The instruction that counts bits is not in every processor that the addon is built
// for, so this does without.
class TagBitSum {
 public:
  // At most 63 times: each of 8 sums of 8 bits grows by up to 4. The bits are in the even places of `bits`.
  void add(TagGroup bits) {
    const TagGroup pairs = (bits & 0x3333333333333333) + (bits >> 2 & 0x3333333333333333);
    sums_ += (pairs + (pairs >> 4)) & 0x0f0f0f0f0f0f0f0f;
  }
  std::size_t total() const {
    const TagGroup wide = (sums_ & 0x00ff00ff00ff00ff) + (sums_ >> 8 & 0x00ff00ff00ff00ff);
    return wide * 0x0001000100010001 >> 48;
  }

 private:
  TagGroup sums_ = 0;
};

template <std::size_t kWords>
TagCounts count_tags(const std::byte* tags) {
  static_assert(kWords / kGroupWords <= 63, "TagBitSum takes no more");
  TagBitSum low;
  TagBitSum high;
  TagBitSum both;
  for (std::size_t i = 0; i < kWords / kGroupWords; ++i) {
    TagGroup group = 0;
    std::memcpy(&group, tags + i * sizeof(group), sizeof(group));
    const TagGroup lows = group & 0x5555555555555555;
    const TagGroup highs = group >> 1 & 0x5555555555555555;
    low.add(lows);
    high.add(highs);
    both.add(lows & highs);
  }
  const std::size_t miss = both.total();
  return {.exact = low.total() - miss, .partial = high.total() - miss, .miss = miss};
}

}  // namespace pageferry::wkdm
