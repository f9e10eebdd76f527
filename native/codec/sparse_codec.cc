#include "codec/sparse_codec.h"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>

namespace pageferry {
namespace {

static_assert(std::endian::native == std::endian::little, "words travel as they are in memory");

using Word = std::uint64_t;
constexpr std::size_t kWords = kCodecPageBytes / sizeof(Word);

// One bit for each word of the page, in groups of 64.
using Group = std::uint64_t;
constexpr std::size_t kGroupWords = 64;
constexpr std::size_t kGroups = kWords / kGroupWords;
using Bitmap = std::array<Group, kGroups>;
constexpr std::size_t kBitmapBytes = sizeof(Bitmap);

Word load_word(const std::byte* words, std::size_t index) {
  Word word = 0;
  std::memcpy(&word, words + index * sizeof(word), sizeof(word));
  return word;
}

std::size_t encoded_bytes(std::size_t words) { return kBitmapBytes + words * sizeof(Word); }

Group nonzero_words(const std::byte* words) {
  Group bits = 0;
  for (std::size_t i = 0; i < kGroupWords; ++i) bits |= Group{load_word(words, i) != 0} << i;
  return bits;
}

// Calls `use` with the index of each word whose bit is set.
template <class Use>
void for_each_set(const Bitmap& bitmap, Use use) {
  for (std::size_t group = 0; group < kGroups; ++group) {
    for (Group left = bitmap[group]; left != 0; left &= left - 1) {
      use(group * kGroupWords + static_cast<std::size_t>(std::countr_zero(left)));
    }
  }
}

Status violation(std::size_t bytes, const std::string& what) {
  return Status(StatusCode::kProtocol,
                "a sparse page of " + std::to_string(bytes) + " bytes " + what);
}

}  // namespace

std::optional<std::size_t> SparseCodec::encode(PageBytes page, PageBytes /*base*/,
                                               std::span<std::byte> out) const {
  Bitmap bitmap;
  std::size_t count = 0;
  for (std::size_t group = 0; group < kGroups; ++group) {
    bitmap[group] = nonzero_words(page.data() + group * kGroupWords * sizeof(Word));
    count += static_cast<std::size_t>(std::popcount(bitmap[group]));
    if (encoded_bytes(count) > out.size()) return std::nullopt;
  }
  std::memcpy(out.data(), bitmap.data(), kBitmapBytes);
  std::byte* end = out.data() + kBitmapBytes;
  for_each_set(bitmap, [&](std::size_t index) {
    std::memcpy(end, page.data() + index * sizeof(Word), sizeof(Word));
    end += sizeof(Word);
  });
  return encoded_bytes(count);
}

Status SparseCodec::decode(std::span<const std::byte> encoded, PageBytes /*base*/,
                           MutablePageBytes page) const {
  if (encoded.size() < kBitmapBytes) return violation(encoded.size(), "ends in its bitmap");
  Bitmap bitmap;
  std::memcpy(bitmap.data(), encoded.data(), kBitmapBytes);
  std::size_t count = 0;
  for (const Group group : bitmap) count += static_cast<std::size_t>(std::popcount(group));
  if (encoded.size() != encoded_bytes(count)) {
    return violation(encoded.size(), "has a bitmap of " + std::to_string(count) + " words");
  }
  std::memset(page.data(), 0, page.size());
  bool zero_named = false;
  const std::byte* words = encoded.data() + kBitmapBytes;
  for_each_set(bitmap, [&](std::size_t index) {
    const Word word = load_word(words, 0);
    zero_named |= word == 0;
    std::memcpy(page.data() + index * sizeof(word), &word, sizeof(word));
    words += sizeof(word);
  });
  return zero_named ? violation(encoded.size(), "names a word that is zero") : Status();
}

}  // namespace pageferry
