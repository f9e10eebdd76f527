// The dictionary of WKdm, which the codecs of its two word sizes and the classifier share: Wilson, Kaplan and
// Smaragdakis, "The Case for Compressed Caching in Virtual Memory Systems", USENIX 1999, section 3.
//
// It remembers 16 words of the page that came before. Each word of the page is zero, or in the dictionary, or in the
// dictionary but for its low bits, or none of these: its tag says which.
//
// Thread contract: one thread each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace pageferry::wkdm {

// The numbers are those on the wire.
enum Tag : unsigned { kZero = 0, kExact = 1, kPartial = 2, kMiss = 3 };

inline constexpr unsigned kPlaceBits = 4;

// Two words match in part when they differ in nothing but their kLowBits low bits.
template <class Word, unsigned kLowBits>
class Dictionary {
 public:
  static constexpr Word kLowMask = (Word{1} << kLowBits) - 1;

  // The one place where `word` may be, which its high bits determine: the top bits of their product with 2^64 or 2^32
  // divided by the golden ratio (Knuth, "The Art of Computer Programming", volume 3, section 6.4).
  static unsigned place_of(Word word) {
    constexpr auto kFactor = static_cast<Word>(sizeof(Word) == 8 ? 0x9e3779b97f4a7c15 : 0x9e3779b1);
    const Word product = static_cast<Word>(word >> kLowBits) * kFactor;
    return static_cast<unsigned>(product >> (std::numeric_limits<Word>::digits - kPlaceBits));
  }

  // The tag of `word`, whose place is `place`. Afterwards the word is there, unless it is zero. No branch depends on the
  // word: a processor cannot predict the tags of a page, and a wrong guess takes longer than all of this.
  Tag meet(Word word, unsigned place) {
    const Word known = words_[place];
    const Word difference = word ^ known;
    const unsigned tag = kMiss - static_cast<unsigned>(difference == 0) -
                         static_cast<unsigned>(difference <= kLowMask);
    const Word if_zero = Word{0} - static_cast<Word>(word == 0);
    words_[place] = word | (known & if_zero);
    return static_cast<Tag>(tag & ~static_cast<unsigned>(if_zero));
  }

  Word at(unsigned place) const { return words_[place]; }
  void put(unsigned place, Word word) { words_[place] = word; }

 private:
  std::array<Word, std::size_t{1} << kPlaceBits> words_ = {};
};

}  // namespace pageferry::wkdm
