// The numbers of the image file, byte for byte: docs/image-format.md.
//
// Thread contract: plain values.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "region/page_layout.h"

namespace pageferry {

static_assert(std::endian::native == std::endian::little, "the structures are the file's bytes");

inline constexpr std::array<char, 8> kImageMagic = {'P', 'F', 'I', 'M', 'A', 'G', 'E', '\n'};
inline constexpr std::uint32_t kImageVersion = 1;

// A reader refuses a file that says more, before it takes memory for it.
inline constexpr std::uint64_t kMaxImagePages = 67108864;
inline constexpr std::uint64_t kMaxImageSnapshots = 4096;
inline constexpr std::uint64_t kMaxImageMappings = 1048576;
inline constexpr std::uint64_t kMaxImageEntries = 67108864;
inline constexpr std::uint64_t kMaxImageNameBytes = 67108864;
inline constexpr std::uint64_t kMaxImageTimeNs = 604800000000000;

enum class ImageEnd : std::uint8_t {
  kComplete = 0,
  kInterrupted = 1,
  kProcessEnded = 2,
  kFull = 3
};

// Why a mapping's pages are not in the image.
enum class LeftOut : std::uint8_t { kNo = 0, kNotReadable = 1, kKernel = 2, kDevice = 3 };

struct ImageHeader {
  std::array<char, 8> magic = kImageMagic;
  std::uint32_t version = kImageVersion;
  std::uint32_t page_bytes = kPageBytes;
  std::uint64_t pages = 0;
  std::uint64_t contents = 0;  // pages of content in the file
  std::uint64_t entries = 0;   // of all snapshots
  std::uint32_t snapshots = 0;
  std::uint32_t mappings = 0;
  std::uint64_t name_bytes = 0;  // of all mappings
  std::uint64_t started_ms = 0;  // since 1970
  std::uint8_t stopped = 0;      // 1: the process stood still during each snapshot
  ImageEnd end = ImageEnd::kComplete;
  std::array<std::uint8_t, 6> reserved = {};
  std::uint64_t id = 0;  // the checksum of this header, with 0 here, and of the tables
};
static_assert(sizeof(ImageHeader) == 80);

struct ImageSnapshot {
  std::uint64_t time_ns =
      0;  // from the beginning of the first snapshot; only while the process ran
  std::uint64_t duration_ns = 0;
  std::uint64_t entries = 0;
  std::uint64_t contents = 0;
  std::uint64_t checksum = 0;  // of its contents
};
static_assert(sizeof(ImageSnapshot) == 40);

inline constexpr std::uint32_t kMappingReadable = 1;
inline constexpr std::uint32_t kMappingWritable = 2;
inline constexpr std::uint32_t kMappingShared = 4;

struct ImageMapping {
  std::uint64_t start = 0;
  std::uint64_t bytes = 0;
  std::uint64_t pages = 0;  // of it in the first snapshot
  std::uint32_t flags = 0;
  std::uint32_t name_bytes = 0;
  LeftOut left_out = LeftOut::kNo;
  std::array<std::uint8_t, 7> reserved = {};
};
static_assert(sizeof(ImageMapping) == 40);

// An entry of a snapshot: a page, and whether it has a content in the file or became zero.
inline constexpr std::uint32_t kEntryIsZero = std::uint32_t{1} << 31;
inline constexpr std::uint32_t kEntryPage = kEntryIsZero - 1;

// Where the content number `content` lies in the file; the tables follow the last one.
constexpr std::uint64_t content_offset(std::uint64_t content) { return (1 + content) * kPageBytes; }

// Bytes of the tables behind the contents. Each count is within its limit, so that no sum wraps.
struct ImageTables {
  std::uint64_t snapshots;
  std::uint64_t mappings;
  std::uint64_t addresses;
  std::uint64_t entries;
  std::uint64_t names;

  std::uint64_t bytes() const { return snapshots + mappings + addresses + entries + names; }
};

constexpr std::uint64_t in_words(std::uint64_t bytes) { return (bytes + 7) / 8 * 8; }

constexpr ImageTables tables_of(const ImageHeader& header) {
  return {header.snapshots * sizeof(ImageSnapshot), header.mappings * sizeof(ImageMapping),
          header.pages * sizeof(std::uint64_t), in_words(header.entries * sizeof(std::uint32_t)),
          in_words(header.name_bytes)};
}

}  // namespace pageferry
