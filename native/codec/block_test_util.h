// What the tests of block codecs share: contents of blocks, and encodings in buffers of exactly their size, so that a
// sanitizer sees any byte beside them that is touched.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "codec/block_codec.h"

namespace pageferry::testing {

using Bytes = std::vector<std::byte>;
using Random = std::mt19937_64;

inline constexpr Encoding kEveryEncoding[] = {
    Encoding::kLz4,    Encoding::kZstd,      Encoding::kWkdm64,   Encoding::kWkdm32,
    Encoding::kSparse, Encoding::kZstdDelta, Encoding::kLz4Delta, Encoding::kXbzrle,
};

// As docs/encodings.md calls it.
inline std::string name_of(Encoding encoding) {
  switch (encoding) {
    case Encoding::kLz4:
      return "lz4";
    case Encoding::kZstd:
      return "zstd";
    case Encoding::kWkdm64:
      return "wkdm64";
    case Encoding::kWkdm32:
      return "wkdm32";
    case Encoding::kSparse:
      return "sparse";
    case Encoding::kZstdDelta:
      return "zstd-delta";
    case Encoding::kLz4Delta:
      return "lz4-delta";
    case Encoding::kXbzrle:
      return "xbzrle";
  }
  return "none";
}

// Those that there is a codec of.
inline std::vector<Encoding> encodings_that_are_there() {
  std::vector<Encoding> there;
  for (const Encoding encoding : kEveryEncoding) {
    if (make_block_encoder(encoding) != nullptr) there.push_back(encoding);
  }
  return there;
}

inline Bytes noise(Random& random, std::size_t bytes, unsigned symbols = 256) {
  Bytes made(bytes);
  for (std::byte& value : made) value = static_cast<std::byte>(random() % symbols);
  return made;
}

// Lines with words that come again, and numbers that do not.
inline Bytes text(Random& random, std::size_t bytes) {
  std::string made;
  while (made.size() < bytes) {
    made += "GET /pages/" + std::to_string(random() % 100000) + " HTTP/1.1\r\nHost: example\r\n";
  }
  const auto all = std::as_bytes(std::span(made)).first(bytes);
  return {all.begin(), all.end()};
}

// Words of 64 bits as programs have them: pointers into one area, small numbers and zeros.
inline Bytes words(Random& random, std::size_t bytes) {
  Bytes made(bytes);
  for (std::size_t at = 0; at < bytes; at += 8) {
    const std::uint64_t kinds[] = {0, random() % 1000, 0x7f0000000000 + random() % 65536 * 16};
    std::memcpy(made.data() + at, &kinds[random() % 3], 8);
  }
  return made;
}

// Runs, copies of itself and noise.
inline Bytes mixture(Random& random, std::size_t bytes) {
  Bytes made = noise(random, bytes, 1 + static_cast<unsigned>(random() % 256));
  for (int i = 0; i < 8; ++i) {
    const std::size_t length = random() % (bytes / 4);
    const auto from = made.begin() + static_cast<std::ptrdiff_t>(random() % (bytes - length));
    const auto to = made.begin() + static_cast<std::ptrdiff_t>(random() % (bytes - length));
    const auto end = from + static_cast<std::ptrdiff_t>(length);
    if (random() % 2 == 0) {
      std::fill_n(to, length, *from);
    } else {
      const Bytes copied(from, end);
      std::copy(copied.begin(), copied.end(), to);
    }
  }
  return made;
}

inline Bytes with_changes(Random& random, Bytes bytes, std::size_t changes) {
  for (; changes > 0; --changes) {
    bytes[random() % bytes.size()] ^= static_cast<std::byte>(1 + random() % 255);
  }
  return bytes;
}

inline std::vector<Bytes> contents(Random& random, std::size_t pages) {
  const std::size_t bytes = pages * kCodecPageBytes;
  return {Bytes(bytes),        Bytes(bytes, std::byte{0xff}), noise(random, bytes),
          text(random, bytes), words(random, bytes),          mixture(random, bytes)};
}

// What an encoding is decoded beside: the same, nearly the same or something else. Nothing where it needs none.
inline std::vector<Bytes> bases(Random& random, Encoding encoding, const Bytes& pages) {
  if (!needs_base(encoding)) return {Bytes()};
  return {pages, with_changes(random, pages, pages.size() / 512), mixture(random, pages.size())};
}

inline std::optional<Bytes> encode(BlockEncoder& encoder, const Bytes& pages, const Bytes& base,
                                   std::size_t room, int level = 1) {
  Bytes out(room);
  const auto length = encoder.encode(pages, base, level, out);
  if (!length.has_value()) return std::nullopt;
  EXPECT_GE(*length, 1U);
  EXPECT_LE(*length, room);
  return Bytes(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*length));
}

// With more room than any block needs.
inline Bytes encode_whole(BlockEncoder& encoder, const Bytes& pages, const Bytes& base,
                          int level = 1) {
  return encode(encoder, pages, base, 2 * pages.size() + 1024, level).value();
}

}  // namespace pageferry::testing
