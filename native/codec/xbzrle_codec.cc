#include "codec/xbzrle_codec.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>

namespace pageferry {
namespace {

static_assert(std::endian::native == std::endian::little, "the lowest byte of a word is the first");

constexpr std::size_t kWordBytes = sizeof(std::uint64_t);
// So much is compared at once by memcmp, which has the widest instructions of the processor.
constexpr std::size_t kStride = 128;

// A length is an LEB128 of one byte below 128, and of two up to a page.
constexpr std::size_t kOneByteLengths = 128;
constexpr std::size_t kMostLengthBytes = 2;

// A page beside its base. A difference is the XOR of their bytes, the first byte lowest.
class Comparison {
 public:
  Comparison(PageBytes page, PageBytes base) : page_(page.data()), base_(base.data()) {}

  // The first byte at `at` or behind it that differs; kCodecPageBytes where none does.
  std::size_t next_difference(std::size_t at) const {
    while (at + kStride <= kCodecPageBytes && std::memcmp(page_ + at, base_ + at, kStride) == 0) {
      at += kStride;
    }
    for (; at < kCodecPageBytes; at += kWordBytes) {
      const std::uint64_t found = difference_or_end(at);
      if (found != 0) return at + static_cast<std::size_t>(std::countr_zero(found)) / 8;
    }
    return kCodecPageBytes;
  }

  // The end of the run of different bytes at `at`: the next three equal bytes, or the end of the page. Fewer equal bytes
  // stay in the run, because the two lengths around them would take as much.
  std::size_t end_of_run(std::size_t at) const {
    while (at < kCodecPageBytes) {
      const std::uint64_t found = difference_or_end(at);
      const std::uint64_t equal = zero_bytes(found);
      const std::uint64_t three_equal = equal & equal >> 8 & equal >> 16;
      if (three_equal != 0) return at + static_cast<std::size_t>(std::countr_zero(three_equal)) / 8;
      at += kWordBytes - static_cast<std::size_t>(std::countl_zero(found)) / 8;
    }
    return kCodecPageBytes;
  }

 private:
  // Behind the end of the page nothing differs.
  std::uint64_t difference_or_end(std::size_t at) const {
    if (at + kWordBytes <= kCodecPageBytes) [[likely]]
      return difference(at, kWordBytes);
    return difference(at, kCodecPageBytes - at);
  }
  std::uint64_t difference(std::size_t at, std::size_t bytes) const {
    std::uint64_t is = 0;
    std::uint64_t was = 0;
    std::memcpy(&is, page_ + at, bytes);
    std::memcpy(&was, base_ + at, bytes);
    return is ^ was;
  }

  // The highest bit of each byte that is zero.
  static std::uint64_t zero_bytes(std::uint64_t word) {
    constexpr std::uint64_t kLow7 = 0x7f7f7f7f7f7f7f7f;
    return ~(((word & kLow7) + kLow7) | word | kLow7);
  }

  const std::byte* page_;
  const std::byte* base_;
};

std::size_t length_bytes(std::size_t length) { return length < kOneByteLengths ? 1 : 2; }

// Writes `length`, which has room.
std::byte* put_length(std::byte* out, std::size_t length) {
  if (length < kOneByteLengths) {
    *out++ = static_cast<std::byte>(length);
  } else {
    *out++ = static_cast<std::byte>(length % kOneByteLengths + kOneByteLengths);
    *out++ = static_cast<std::byte>(length / kOneByteLengths);
  }
  return out;
}

// Takes a length from the front of `encoded`. Empty where there is none in its shortest form, or one beyond a page.
std::optional<std::size_t> take_length(std::span<const std::byte>& encoded) {
  if (encoded.empty()) return std::nullopt;
  auto length = std::to_integer<std::size_t>(encoded[0]);
  std::size_t bytes = 1;
  if (length >= kOneByteLengths) {
    if (encoded.size() < kMostLengthBytes || encoded[1] == std::byte{0}) return std::nullopt;
    length += (std::to_integer<std::size_t>(encoded[1]) - 1) * kOneByteLengths;
    bytes = kMostLengthBytes;
  }
  if (length > kCodecPageBytes) return std::nullopt;
  encoded = encoded.subspan(bytes);
  return length;
}

Status violation(std::size_t at, const char* what) {
  return Status(StatusCode::kProtocol,
                "an xbzrle page " + std::string(what) + " at its byte " + std::to_string(at));
}

}  // namespace

std::optional<std::size_t> XbzrleCodec::encode(PageBytes page, PageBytes base,
                                               std::span<std::byte> out) const {
  const Comparison comparison(page, base);
  std::byte* end = out.data();
  std::size_t left = out.size();
  std::size_t at = 0;
  while (at < kCodecPageBytes) {
    const std::size_t start = comparison.next_difference(at);
    if (start == kCodecPageBytes) break;
    const std::size_t stop = comparison.end_of_run(start);
    const std::size_t needed = length_bytes(start - at) + length_bytes(stop - start) + stop - start;
    if (needed > left) return std::nullopt;
    left -= needed;
    end = put_length(end, start - at);
    end = put_length(end, stop - start);
    std::memcpy(end, page.data() + start, stop - start);
    end += stop - start;
    at = stop;
  }
  if (at == 0) {
    // Nothing differs, and no encoding is empty.
    if (left < length_bytes(kCodecPageBytes)) return std::nullopt;
    end = put_length(end, kCodecPageBytes);
  }
  return static_cast<std::size_t>(end - out.data());
}

Status XbzrleCodec::decode(std::span<const std::byte> encoded, PageBytes base,
                           MutablePageBytes page) const {
  if (page.data() != base.data()) std::memcpy(page.data(), base.data(), page.size());
  std::size_t at = 0;
  do {
    const auto equal = take_length(encoded);
    if (!equal.has_value()) return violation(at, "lacks a length");
    if (at == 0 && *equal == kCodecPageBytes && encoded.empty()) return Status();
    if (at != 0 && *equal == 0) return violation(at, "has two runs where one would do");
    const auto different = take_length(encoded);
    if (!different.has_value()) return violation(at, "lacks a length");
    if (*different == 0) return violation(at, "has an empty run");
    if (*equal + *different > page.size() - at) return violation(at, "has a run beyond its end");
    if (*different > encoded.size()) return violation(at, "lacks the bytes of a run");
    at += *equal;
    std::memcpy(page.data() + at, encoded.data(), *different);
    encoded = encoded.subspan(*different);
    at += *different;
  } while (!encoded.empty());
  return Status();
}

}  // namespace pageferry
