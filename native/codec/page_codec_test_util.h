// Pages to try a page codec on, what must hold for every page codec, and the examples of docs/encodings.md. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "codec/page_codec.h"

namespace pageferry::testing {

// On the heap and exactly as long as it says, so that the sanitizers see every byte that is touched outside.
using Bytes = std::vector<std::byte>;

inline PageBytes page_bytes(const Bytes& page) { return PageBytes(page); }

inline Bytes zero_page() { return Bytes(kCodecPageBytes); }

template <class Word>
Bytes page_of(const std::vector<Word>& words) {
  Bytes page = zero_page();
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::memcpy(page.data() + i * sizeof(Word), &words[i], sizeof(Word));
  }
  return page;
}

// A page of words of 64 bits, each made by `make`.
template <class Make>
Bytes page_from(Make make) {
  std::vector<std::uint64_t> words(kCodecPageBytes / sizeof(std::uint64_t));
  for (std::uint64_t& word : words) word = make();
  return page_of(words);
}

inline Bytes random_page(std::mt19937_64& random) {
  return page_from([&] { return random(); });
}

// Addresses in a few heaps, some of them often.
inline Bytes pointer_page(std::mt19937_64& random) {
  const std::uint64_t heap = 0x00007f0000000000 + (random() % 4096 << 24);
  return page_from([&]() -> std::uint64_t {
    switch (random() % 4) {
      case 0:
        return 0;
      case 1:
        return heap + 0x40;
      case 2:
        return 0x000055d000000000 + random() % 65536 * 16;
      default:
        return heap + random() % 256 * 8192 + random() % 512 * 8;
    }
  });
}

inline Bytes text_page(std::mt19937_64& random) {
  static const std::vector<std::string> kWords = {"PATH=/usr/bin ", "TERM=xterm ", "user=0\n",
                                                  "LANG=C.UTF-8 ", "the quick brown fox "};
  std::string text;
  while (text.size() < kCodecPageBytes) text += kWords[random() % kWords.size()];
  Bytes page = zero_page();
  std::memcpy(page.data(), text.data(), page.size());
  return page;
}

// Runs, copies of itself and words of every kind, of 32 and of 64 bits.
inline Bytes mixed_page(std::mt19937_64& random) {
  const std::uint64_t common = random();
  const unsigned low_bits = 1 + random() % 63;
  Bytes page = page_from([&]() -> std::uint64_t {
    switch (random() % 6) {
      case 0:
        return random();
      case 1:
        return random() % 4096;
      case 2:
        return common ^ random() >> (64 - low_bits);
      case 3:
        return (random() & 0x0000040000000400) + 0x12345678abcd0000;
      default:
        return 0;
    }
  });
  for (std::uint64_t copies = random() % 4; copies > 0; --copies) {
    const std::size_t length = random() % (page.size() / 4);
    const Bytes part(page.begin(), page.begin() + static_cast<std::ptrdiff_t>(length));
    std::copy(part.begin(), part.end(),
              page.begin() + static_cast<std::ptrdiff_t>(random() % (page.size() - length)));
  }
  return page;
}

// `page` with up to `most` of its bytes changed, alone and in runs.
inline Bytes changed(Bytes page, std::mt19937_64& random, std::size_t most) {
  for (std::size_t left = most == 0 ? 0 : random() % (most + 1); left > 0;) {
    const std::size_t run = std::min<std::size_t>(left, 1 + random() % 12);
    const std::size_t at = random() % (page.size() - run + 1);
    for (std::size_t i = 0; i < run; ++i) page[at + i] = static_cast<std::byte>(random());
    left -= run;
  }
  return page;
}

struct Sample {
  Bytes page;
  Bytes base;
};

// Every kind of page beside its like: equal, changed a little, changed much, and with nothing in common.
inline std::vector<Sample> samples(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Bytes> pages = {zero_page(), Bytes(kCodecPageBytes, std::byte{0xff})};
  for (int i = 0; i < 12; ++i) {
    pages.push_back(random_page(random));
    pages.push_back(pointer_page(random));
    pages.push_back(text_page(random));
    for (int k = 0; k < 5; ++k) pages.push_back(mixed_page(random));
    // One word in an empty page, the last among them.
    Bytes lone = zero_page();
    lone[i == 0 ? kCodecPageBytes - 1 : random() % kCodecPageBytes] = std::byte{0x80};
    pages.push_back(lone);
  }
  std::vector<Sample> all;
  for (const Bytes& page : pages) {
    all.push_back({page, page});
    all.push_back({page, changed(page, random, 20)});
    all.push_back({page, changed(page, random, 1000)});
    all.push_back({page, random_page(random)});
  }
  return all;
}

// The encoding of `sample` where it fits in `room` bytes.
inline std::optional<Bytes> encode(const PageCodec& codec, const Sample& sample, std::size_t room) {
  Bytes out(room);
  const auto length = codec.encode(page_bytes(sample.page), page_bytes(sample.base), out);
  if (!length.has_value()) return std::nullopt;
  EXPECT_GE(*length, 1U);
  EXPECT_LE(*length, room);
  out.resize(*length);
  return out;
}

// The page of `encoded`, or empty where it was refused, as it may be with kProtocol only.
inline std::optional<Bytes> decode(const PageCodec& codec, const Bytes& encoded,
                                   const Bytes& base) {
  Bytes page(kCodecPageBytes, std::byte{0xaa});
  const Status status = codec.decode(encoded, page_bytes(base), MutablePageBytes(page));
  if (status.ok()) return page;
  EXPECT_EQ(status.code(), StatusCode::kProtocol);
  EXPECT_FALSE(status.message().empty());
  return std::nullopt;
}

inline constexpr std::size_t kAmpleRoom = 4 * kCodecPageBytes;

inline void expect_pages_come_back(const PageCodec& codec) {
  std::size_t smaller = 0;
  for (const Sample& sample : samples(1)) {
    const auto encoded = encode(codec, sample, kAmpleRoom);
    ASSERT_TRUE(encoded.has_value());
    ASSERT_EQ(decode(codec, *encoded, sample.base), sample.page);
    if (encoded->size() < kCodecPageBytes) ++smaller;
  }
  EXPECT_GT(smaller, 100U);
}

// A page takes exactly the room that its encoding needs, and nothing is written outside of less.
inline void expect_room_is_kept(const PageCodec& codec) {
  for (const Sample& sample : samples(2)) {
    const Bytes encoded = encode(codec, sample, kAmpleRoom).value();
    ASSERT_EQ(encode(codec, sample, encoded.size()), encoded);
    for (const std::size_t room :
         {std::size_t{0}, std::size_t{1}, encoded.size() / 2, encoded.size() - 1}) {
      Bytes out(encoded.size() + 64, std::byte{0x5a});
      const auto length = codec.encode(page_bytes(sample.page), page_bytes(sample.base),
                                       std::span(out).first(room));
      ASSERT_FALSE(length.has_value());
      ASSERT_TRUE(std::all_of(out.begin() + static_cast<std::ptrdiff_t>(room), out.end(),
                              [](std::byte value) { return value == std::byte{0x5a}; }));
      ASSERT_EQ(encode(codec, sample, room), std::nullopt);
    }
  }
}

// A damaged encoding is refused or decodes to some page.
inline void expect_damage_is_survived(const PageCodec& codec) {
  std::mt19937_64 random(3);
  std::vector<Sample> all = samples(4);
  std::shuffle(all.begin(), all.end(), random);
  all.resize(60);
  for (const Sample& sample : all) {
    const Bytes encoded = encode(codec, sample, kAmpleRoom).value();
    for (std::size_t length = 0; length < encoded.size(); ++length) {
      decode(codec, Bytes(encoded.begin(), encoded.begin() + static_cast<std::ptrdiff_t>(length)),
             sample.base);
    }
    for (int i = 0; i < 300; ++i) {
      Bytes damaged = encoded;
      for (std::uint64_t flips = 1 + random() % 4; flips > 0; --flips) {
        damaged[random() % damaged.size()] ^= static_cast<std::byte>(1 << random() % 8);
      }
      if (random() % 4 == 0) damaged.resize(1 + random() % kAmpleRoom);
      decode(codec, damaged, sample.base);
    }
    Bytes longer = encoded;
    longer.push_back(static_cast<std::byte>(random()));
    ASSERT_EQ(decode(codec, longer, sample.base), std::nullopt);
  }
  EXPECT_EQ(decode(codec, {}, zero_page()), std::nullopt);
}

// Bytes that no encoder made, of every length up to beyond what a page can take.
inline void expect_noise_is_survived(const PageCodec& codec) {
  std::mt19937_64 random(5);
  const Bytes base = random_page(random);
  for (int i = 0; i < 20'000; ++i) {
    Bytes noise(random() % (i % 10 == 0 ? kAmpleRoom : 600));
    const std::uint64_t symbols = 1 + random() % 256;
    for (std::byte& value : noise) value = static_cast<std::byte>(random() % symbols);
    decode(codec, noise, base);
  }
}

// The worked example of a section of docs/encodings.md.
struct Example {
  Bytes page = zero_page();
  Bytes base = zero_page();
  Bytes encoded;
};

// Reads the first block of code below the heading `section`: lines such as "page 8: 01 02", which say what there is
// from that offset, and "encoded 24 bytes". Whatever no line says is zero.
inline Example example_of(const std::string& section) {
  const auto native = std::filesystem::path(__FILE__).parent_path().parent_path();
  std::ifstream file(native.parent_path() / "docs" / "encodings.md");
  const std::string document((std::istreambuf_iterator<char>(file)), {});
  Example example;
  const std::size_t heading = document.find("\n## " + section + "\n");
  const std::size_t next = document.find("\n## ", heading + 1);
  const std::size_t begin = document.find("\n```\n", heading);
  EXPECT_TRUE(heading != std::string::npos && begin < next) << "no example of " << section;
  if (heading == std::string::npos || begin >= next) return example;
  std::istringstream lines(
      document.substr(begin + 5, document.find("\n```\n", begin + 5) - begin - 5));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string what;
    std::size_t number = 0;
    std::string then;
    words >> what >> number >> then;
    Bytes& bytes = what == "page" ? example.page : what == "base" ? example.base : example.encoded;
    if (then == "bytes") {
      bytes.resize(number);
      continue;
    }
    for (std::string hex; words >> hex; ++number) {
      bytes.at(number) = static_cast<std::byte>(std::stoul(hex, nullptr, 16));
    }
  }
  return example;
}

}  // namespace pageferry::testing
