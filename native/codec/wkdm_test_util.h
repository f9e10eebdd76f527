// WKdm as docs/encodings.md says it, word by word and bit by bit, to compare the codecs with. Tests only.
#pragma once

#include <array>
#include <cstdint>

#include "codec/page_codec_test_util.h"

namespace pageferry::testing {

// Bits of a row of bytes, the lowest first.
class BitReader {
 public:
  BitReader(const Bytes& bytes, std::size_t first_byte) : bytes_(bytes), at_(first_byte * 8) {}

  std::uint64_t take(unsigned bits) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < bits; ++i, ++at_) {
      value |= (std::to_integer<std::uint64_t>(bytes_.at(at_ / 8)) >> at_ % 8 & 1) << i;
    }
    return value;
  }
  std::size_t bytes_taken() const { return (at_ + 7) / 8; }

 private:
  const Bytes& bytes_;
  std::size_t at_;
};

// The page of a valid encoding.
inline Bytes decode_as_documented(const Bytes& encoded, unsigned word_bits, unsigned low_bits,
                                  std::uint64_t factor) {
  const std::size_t words = kCodecPageBytes * 8 / word_bits;
  std::array<std::size_t, 4> count = {};
  BitReader counting(encoded, 0);
  for (std::size_t i = 0; i < words; ++i) ++count.at(counting.take(2));

  BitReader tags(encoded, 0);
  BitReader whole(encoded, counting.bytes_taken());
  BitReader low(encoded, counting.bytes_taken() + count[3] * word_bits / 8);
  BitReader index(
      encoded, counting.bytes_taken() + count[3] * word_bits / 8 + (count[2] * low_bits + 7) / 8);
  const std::uint64_t low_mask = (std::uint64_t{1} << low_bits) - 1;
  std::array<std::uint64_t, 16> dictionary = {};
  Bytes page = zero_page();
  for (std::size_t i = 0; i < words; ++i) {
    std::uint64_t word = 0;
    switch (tags.take(2)) {
      case 1:
        word = dictionary.at(index.take(4));
        break;
      case 2: {
        std::uint64_t& known = dictionary.at(index.take(4));
        known = (known & ~low_mask) | low.take(low_bits);
        word = known;
        break;
      }
      case 3: {
        word = whole.take(word_bits);
        const std::uint64_t product = (word >> low_bits) * factor << (64 - word_bits);
        dictionary.at(product >> 60) = word;
        break;
      }
      default:
        break;
    }
    std::memcpy(page.data() + i * word_bits / 8, &word, word_bits / 8);
  }
  EXPECT_EQ(index.bytes_taken(), encoded.size());
  return page;
}

}  // namespace pageferry::testing
