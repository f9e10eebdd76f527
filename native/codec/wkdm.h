// WKdm on pages of 4096 bytes, for a word size and a number of low bits: Wilson, Kaplan and Smaragdakis, "The Case for
// Compressed Caching in Virtual Memory Systems", USENIX 1999, section 3. docs/encodings.md has the layout, to the bit.
//
// Thread contract: any thread.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "codec/bit_pack.h"
#include "codec/page_codec.h"
#include "codec/wkdm_dictionary.h"
#include "codec/wkdm_tags.h"

namespace pageferry::wkdm {

static_assert(std::endian::native == std::endian::little, "words travel as they are in memory");

template <class Word, unsigned kLowBits>
class Coder {
 public:
  // As PageCodec::encode().
  static std::optional<std::size_t> encode(PageBytes page, std::span<std::byte> out) {
    Dictionary<Word, kLowBits> dictionary;
    // The encoding is made here and copied at the end. So the loop may store each word at the end of what it has,
    // whatever the tag, and keep it or not by how far it goes on: that needs room for one word more, and no branch.
    std::array<std::byte, kTagBytes + kCodecPageBytes + kPackSlack> encoded;
    Numbers numbers;
    std::byte* end = encoded.data() + kTagBytes;
    std::uint16_t* low = numbers.lows.data();
    std::uint8_t* match = numbers.places.data();
    for (std::size_t group = 0; group < kWords / kGroupWords; ++group) {
      TagGroup tags = 0;
      for (std::size_t i = 0; i < kGroupWords; ++i) {
        Word word = 0;
        std::memcpy(&word, page.data() + (group * kGroupWords + i) * sizeof(word), sizeof(word));
        const unsigned place = dictionary.place_of(word);
        const Tag tag = dictionary.meet(word, place);
        std::memcpy(end, &word, sizeof(word));
        end += kWordBytes[tag];
        *low = static_cast<std::uint16_t>(word & dictionary.kLowMask);
        low += kLows[tag];
        *match = static_cast<std::uint8_t>(place);
        match += kPlaces[tag];
        tags = tags >> kTagBits | TagGroup{tag} << kFirstTagShift;
      }
      std::memcpy(encoded.data() + group * sizeof(tags), &tags, sizeof(tags));
      const auto used = static_cast<std::size_t>(end - encoded.data());
      numbers.low_count = static_cast<std::size_t>(low - numbers.lows.data());
      numbers.place_count = static_cast<std::size_t>(match - numbers.places.data());
      if (used + numbers.packed() > out.size()) return std::nullopt;
    }
    const auto used = static_cast<std::size_t>(end - encoded.data());
    numbers.pack_to(end);
    std::memcpy(out.data(), encoded.data(), used + numbers.packed());
    return used + numbers.packed();
  }

  // As PageCodec::decode(). `name` is the encoding's, for errors.
  static Status decode(std::string_view name, std::span<const std::byte> encoded,
                       MutablePageBytes page) {
    if (encoded.size() < kTagBytes) return violation(name, encoded.size(), "ends in its tags");
    // The tags say how many bytes come behind them. Because these are there, the loop below needs no check.
    const TagCounts counts = count_tags<kWords>(encoded.data());
    Numbers numbers;
    numbers.low_count = counts.partial;
    numbers.place_count = counts.partial + counts.exact;
    const std::size_t word_bytes = counts.miss * sizeof(Word);
    if (encoded.size() != kTagBytes + word_bytes + numbers.packed()) {
      return violation(name, encoded.size(), "has tags of a page of another length");
    }
    if (!numbers.unpack_from(encoded.subspan(kTagBytes + word_bytes))) {
      return violation(name, encoded.size(), "has bits that mean nothing and are not 0");
    }
    decode_words(encoded.data(), numbers, page.data());
    return Status();
  }

 private:
  static constexpr std::size_t kWords = kCodecPageBytes / sizeof(Word);
  // What a word of each tag adds to the encoding. They are looked up, because a compiler makes branches of conditions.
  static constexpr std::array<std::uint8_t, 4> kWordBytes = {0, 0, 0, sizeof(Word)};
  static constexpr std::array<std::uint8_t, 4> kLows = {0, 0, 1, 0};
  static constexpr std::array<std::uint8_t, 4> kPlaces = {0, 1, 1, 0};
  static constexpr unsigned kFirstTagShift = (kGroupWords - 1) * kTagBits;
  static constexpr std::size_t kTagBytes = kWords * kTagBits / 8;

  // What lies behind the words: the low bits of the partial matches, and the places of all matches.
  struct Numbers {
    std::array<std::uint16_t, kWords + kPackedAtOnce> lows;
    std::array<std::uint8_t, kWords + kPackedAtOnce> places;
    std::size_t low_count = 0;
    std::size_t place_count = 0;

    std::size_t packed() const {
      return packed_bytes<kLowBits>(low_count) + packed_bytes<kPlaceBits>(place_count);
    }

    // Writes packed() bytes to `out`, and kPackSlack behind them.
    void pack_to(std::byte* out) {
      std::fill_n(lows.begin() + low_count, kPackedAtOnce, 0);
      std::fill_n(places.begin() + place_count, kPackedAtOnce, 0);
      pack<kLowBits>(lows.data(), low_count, out);
      pack<kPlaceBits>(places.data(), place_count, out + packed_bytes<kLowBits>(low_count));
    }

    // From packed() bytes; false when bits that hold no number are not 0.
    bool unpack_from(std::span<const std::byte> in) {
      std::array<std::byte, packed_bytes<kLowBits + kPlaceBits>(kWords) + kPackSlack> copy;
      std::memcpy(copy.data(), in.data(), in.size());
      std::memset(copy.data() + in.size(), 0, kPackSlack);
      const std::byte* packed_places = copy.data() + packed_bytes<kLowBits>(low_count);
      unpack<kLowBits>(copy.data(), low_count, lows.data());
      unpack<kPlaceBits>(packed_places, place_count, places.data());
      return spare_bits_are_zero<kLowBits>(copy.data(), low_count) &&
             spare_bits_are_zero<kPlaceBits>(packed_places, place_count);
    }
  };

  // Reads as many words and numbers as count_tags() has counted.
  static void decode_words(const std::byte* encoded, const Numbers& numbers, std::byte* page) {
    Dictionary<Word, kLowBits> dictionary;
    const std::byte* words = encoded + kTagBytes;
    const std::uint16_t* low = numbers.lows.data();
    const std::uint8_t* place = numbers.places.data();
    for (std::size_t group = 0; group < kWords / kGroupWords; ++group) {
      TagGroup tags = 0;
      std::memcpy(&tags, encoded + group * sizeof(tags), sizeof(tags));
      for (std::size_t i = 0; i < kGroupWords; ++i, tags >>= kTagBits) {
        Word word = 0;
        switch (static_cast<Tag>(tags & 3)) {
          case kZero:
            break;
          case kExact:
            word = dictionary.at(*place++);
            break;
          case kPartial:
            word = static_cast<Word>((dictionary.at(*place) & ~dictionary.kLowMask) | *low++);
            dictionary.put(*place++, word);
            break;
          case kMiss:
            std::memcpy(&word, words, sizeof(word));
            words += sizeof(word);
            dictionary.put(dictionary.place_of(word), word);
            break;
        }
        std::memcpy(page + (group * kGroupWords + i) * sizeof(word), &word, sizeof(word));
      }
    }
  }

  static Status violation(std::string_view name, std::size_t bytes, const char* what) {
    return Status(StatusCode::kProtocol, "a " + std::string(name) + " page of " +
                                             std::to_string(bytes) + " bytes " + what);
  }
};

}  // namespace pageferry::wkdm
