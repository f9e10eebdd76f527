// What an entry of a pages record can carry: the table of docs/protocol.md, section 2.1. Whoever reads, writes or counts
// entries looks here.
#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace pageferry::wire {

// What the payload of an entry is.
enum class Payload : std::uint8_t {
  kPages,  // its pages as they are
  kNone,
  kWord,    // one word, which all its pages repeat
  kBlock,   // which of its pages are members, and these encoded together
  kBitmap,  // a bit for each page, or none at all
};

struct ContentTraits {
  std::uint8_t id;
  std::string_view name;
  std::uint64_t most_pages;
  Payload payload;
  bool needs_base;  // decoded beside what its pages held before
};

// The number of a content is its own for ever. Those of blocks are those of their encodings (codec/encoding.h).
inline constexpr std::uint8_t kContentRaw = 0;
inline constexpr std::uint8_t kContentZero = 1;
inline constexpr std::uint8_t kContentLz4 = 2;
inline constexpr std::uint8_t kContentZstd = 3;
inline constexpr std::uint8_t kContentWkdm64 = 4;
inline constexpr std::uint8_t kContentWkdm32 = 5;
inline constexpr std::uint8_t kContentSparse = 6;
inline constexpr std::uint8_t kContentZstdDelta = 7;
inline constexpr std::uint8_t kContentLz4Delta = 8;
inline constexpr std::uint8_t kContentXbzrle = 9;
inline constexpr std::uint8_t kContentFill = 10;
inline constexpr std::uint8_t kContentMissing = 255;

inline constexpr std::uint64_t kMaxPagesPerEntry = 65535;
// All records of one page before the switchover travel on the channel of its stripe, and a block leaves no stripe.
inline constexpr std::uint64_t kStripePages = 1024;
inline constexpr std::uint64_t kMaxMembers = 64;
inline constexpr std::uint64_t kWordBytes = 8;

inline constexpr std::array kContents = {
    ContentTraits{kContentRaw, "raw", kMaxPagesPerEntry, Payload::kPages, false},
    ContentTraits{kContentZero, "zero", kMaxPagesPerEntry, Payload::kNone, false},
    ContentTraits{kContentLz4, "lz4", kStripePages, Payload::kBlock, false},
    ContentTraits{kContentZstd, "zstd", kStripePages, Payload::kBlock, false},
    ContentTraits{kContentWkdm64, "wkdm64", kStripePages, Payload::kBlock, false},
    ContentTraits{kContentWkdm32, "wkdm32", kStripePages, Payload::kBlock, false},
    ContentTraits{kContentSparse, "sparse", kStripePages, Payload::kBlock, false},
    ContentTraits{kContentZstdDelta, "zstd-delta", kStripePages, Payload::kBlock, true},
    ContentTraits{kContentLz4Delta, "lz4-delta", kStripePages, Payload::kBlock, true},
    ContentTraits{kContentXbzrle, "xbzrle", kStripePages, Payload::kBlock, true},
    ContentTraits{kContentFill, "fill", kMaxPagesPerEntry, Payload::kWord, false},
    ContentTraits{kContentMissing, "missing", kMaxPagesPerEntry, Payload::kBitmap, false},
};

// The row of a content, or null.
constexpr const ContentTraits* find_content(std::uint8_t id) {
  const auto* found = std::ranges::find(kContents, id, &ContentTraits::id);
  return found == kContents.end() ? nullptr : found;
}

constexpr const ContentTraits* find_content(std::string_view name) {
  const auto* found = std::ranges::find(kContents, name, &ContentTraits::name);
  return found == kContents.end() ? nullptr : found;
}

// Contents that were accepted.
class ContentSet {
 public:
  ContentSet() = default;
  ContentSet(std::initializer_list<std::uint8_t> ids) {
    for (const std::uint8_t id : ids) add(id);
  }
  static ContentSet all() {
    ContentSet set;
    for (const ContentTraits& content : kContents) set.add(content.id);
    return set;
  }

  void add(std::uint8_t id) { ids_[id] = true; }
  bool contains(std::uint8_t id) const { return ids_[id]; }

 private:
  std::bitset<256> ids_;
};

inline constexpr auto kRows = [] {
  std::array<std::uint8_t, 256> rows = {};
  for (std::size_t row = 0; row < kContents.size(); ++row) {
    rows[kContents[row].id] = static_cast<std::uint8_t>(row);
  }
  return rows;
}();

// Where a content that is in the table stands there.
constexpr std::size_t row_of(std::uint8_t id) { return kRows[id]; }

// Pages, by what they were sent as.
class PagesByContent {
 public:
  std::uint64_t& operator[](std::uint8_t id) { return counts_[row_of(id)]; }
  std::uint64_t operator[](std::uint8_t id) const { return counts_[row_of(id)]; }

  std::uint64_t sum() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : counts_) sum += count;
    return sum;
  }
  void add(const PagesByContent& other) {
    for (std::size_t row = 0; row < counts_.size(); ++row) counts_[row] += other.counts_[row];
  }

 private:
  std::array<std::uint64_t, kContents.size()> counts_ = {};
};

}  // namespace pageferry::wire
