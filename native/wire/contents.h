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

// How long the payload of an entry is.
enum class Payload : std::uint8_t {
  kPages,  // its pages as they are
  kNone,
  kShorter,  // one page in fewer bytes than it has, and at least one
  kBitmap,   // a bit for each page, or none at all
};

struct ContentTraits {
  std::uint8_t id;
  std::string_view name;
  std::uint64_t most_pages;
  Payload payload;
  bool needs_base;  // decoded beside an older content of its page
  bool uses_cache;  // decoded beside other pages that both sides keep
};

// The number of a content is its own for ever. Those of page codecs are theirs (codec/page_codec.h).
inline constexpr std::uint8_t kContentRaw = 0;
inline constexpr std::uint8_t kContentZero = 1;
inline constexpr std::uint8_t kContentLz4 = 2;
inline constexpr std::uint8_t kContentMissing = 255;

inline constexpr std::uint64_t kMaxPagesPerEntry = 65535;

inline constexpr std::array kContents = {
    ContentTraits{kContentRaw, "raw", kMaxPagesPerEntry, Payload::kPages, false, false},
    ContentTraits{kContentZero, "zero", kMaxPagesPerEntry, Payload::kNone, false, false},
    ContentTraits{kContentLz4, "lz4", 1, Payload::kShorter, false, false},
    ContentTraits{kContentMissing, "missing", kMaxPagesPerEntry, Payload::kBitmap, false, false},
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

// `bytes` of payload are right for `pages` pages of this content; the number of pages is.
constexpr bool payload_fits(const ContentTraits& content, std::uint64_t bytes, std::uint64_t pages,
                            std::uint64_t page_bytes) {
  switch (content.payload) {
    case Payload::kPages:
      return bytes == pages * page_bytes;
    case Payload::kNone:
      return bytes == 0;
    case Payload::kShorter:
      return bytes >= 1 && bytes < page_bytes;
    case Payload::kBitmap:
      return bytes == 0 || bytes == (pages + 7) / 8;
  }
  return false;
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

// Where a content that is in the table stands there.
constexpr std::size_t row_of(std::uint8_t id) {
  return static_cast<std::size_t>(std::ranges::find(kContents, id, &ContentTraits::id) -
                                  kContents.begin());
}

// Pages, by what they were sent as.
class PagesByContent {
 public:
  std::uint64_t& operator[](std::uint8_t id) { return counts_[row_of(id)]; }
  std::uint64_t operator[](std::uint8_t id) const { return counts_[row_of(id)]; }

  // In fewer bytes than they have.
  std::uint64_t encoded() const {
    std::uint64_t sum = 0;
    for (const ContentTraits& content : kContents) {
      if (content.payload == Payload::kShorter) sum += (*this)[content.id];
    }
    return sum;
  }
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
