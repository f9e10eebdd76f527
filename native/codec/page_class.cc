#include "codec/page_class.h"

#include <cstdint>
#include <cstring>

#include "codec/wkdm64_codec.h"
#include "codec/wkdm_dictionary.h"

namespace pageferry {
namespace {

using Word = std::uint64_t;
constexpr std::size_t kWords = kCodecPageBytes / sizeof(Word);
constexpr std::size_t kGroupWords = 32;
using Dictionary = wkdm::Dictionary<Word, Wkdm64Codec::kLowBits>;

constexpr std::size_t kMostNonzeroOfSparse = kWords - kSparseZeroWords;
constexpr std::size_t kMostMissesOfSimilar = kWords - kSimilarWords;
static_assert(kMostNonzeroOfSparse < kMostMissesOfSimilar,
              "a page with too many misses to be similar has too many for a sparse one");

}  // namespace

PageClass classify_page(PageBytes page) {
  Dictionary dictionary;
  std::size_t nonzero = 0;
  std::size_t misses = 0;
  for (std::size_t seen = 0; seen < kWords;) {
    for (std::size_t i = 0; i < kGroupWords; ++i) {
      Word word = 0;
      std::memcpy(&word, page.data() + (seen + i) * sizeof(word), sizeof(word));
      // The one branch on a word: zeros come in runs, so a processor guesses most of them.
      if (word == 0) continue;
      ++nonzero;
      const unsigned place = Dictionary::place_of(word);
      misses += static_cast<std::size_t>((word ^ dictionary.at(place)) > Dictionary::kLowMask);
      dictionary.put(place, word);
    }
    seen += kGroupWords;
    if (misses > kMostMissesOfSimilar) return PageClass::kOther;
    if (seen - nonzero >= kSparseZeroWords) return PageClass::kSparse;
    const bool may_be_sparse = nonzero <= kMostNonzeroOfSparse;
    if (!may_be_sparse && seen - misses >= kSimilarWords) return PageClass::kSimilar;
  }
  // Not reached: behind the last word one of the three holds.
  return PageClass::kOther;
}

}  // namespace pageferry
