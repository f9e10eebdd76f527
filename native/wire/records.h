// The records of the page and fault channels, byte for byte as in docs/protocol.md, section 2, and the
// preamble of section 1.
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/contents.h"

namespace pageferry::wire {

static_assert(std::endian::native == std::endian::little,
              "records are read and written in place; a big-endian host needs conversions here");

inline constexpr std::array<std::uint8_t, 8> kMagic = {'P', 'G', 'F', 'E', 'R', 'R', 'Y', '\n'};
inline constexpr std::uint16_t kVersion = 2;

enum class Role : std::uint8_t { kControl = 1, kPage = 2, kFault = 3 };

struct Preamble {
  std::array<std::uint8_t, 8> magic;
  std::uint16_t version;
  Role role;
  std::uint8_t flags;
  std::uint32_t channel;
  std::array<std::uint8_t, 16> migration_id;
  std::uint64_t features;
};
static_assert(sizeof(Preamble) == 40);

// Up to here a preamble, and its answer, are the same in every version: so much is judged as soon as it is there.
inline constexpr std::size_t kPreambleHeadBytes = offsetof(Preamble, role);

// Of a preamble's flags. All other bits are reserved.
inline constexpr std::uint8_t kFlagResume = 1;

// What is used where both sides have it.
struct Feature {
  std::uint64_t bit;
  std::string_view name;
};
inline constexpr std::array kFeatureNames = {Feature{1, "query"}};
// Those that this side has, or may use.
inline constexpr std::uint64_t kFeatures = 1;

enum class PreambleStatus : std::uint16_t {
  kAccepted = 0,
  kVersionNotSupported = 1,
  kUnknownMigration = 2,
  kBusy = 3,
  kNotResumable = 4,
  kIdInUse = 5,
};

struct PreambleReply {
  std::array<std::uint8_t, 8> magic;
  std::uint16_t version;
  PreambleStatus status;
  std::uint32_t reserved;
  std::uint64_t features;
};
static_assert(sizeof(PreambleReply) == 24);
inline constexpr std::size_t kReplyHeadBytes = offsetof(PreambleReply, reserved);

// A connection whose preamble is not complete by then is dropped.
inline constexpr std::chrono::seconds kPreambleTimeout{5};
// Connections that have not said who they are yet, and those of one address among them: whoever floods from one
// address leaves room for the others.
inline constexpr std::size_t kMaxNewcomers = 256;
inline constexpr std::ptrdiff_t kMaxNewcomersOfHost = 128;

enum class RecordType : std::uint16_t { kPages = 1, kSync = 2, kRequest = 3 };
// Whoever does not know a type with this bit skips the record.
inline constexpr std::uint16_t kOptionalBit = 0x8000;
constexpr bool is_optional(RecordType type) {
  return (static_cast<std::uint16_t>(type) & kOptionalBit) != 0;
}

struct RecordHeader {
  RecordType type;
  std::uint16_t entries;
  std::uint32_t payload_bytes;
  std::uint64_t value;
};
static_assert(sizeof(RecordHeader) == 16);

struct TableEntry {
  std::uint64_t page;
  std::uint32_t payload_bytes;
  std::uint16_t pages;
  std::uint8_t content;
  std::uint8_t members;
};
static_assert(sizeof(TableEntry) == 16);

// Bytes of a bitmap that has a bit for each of so many pages.
constexpr std::uint64_t bitmap_bytes(std::uint64_t pages) { return (pages + 7) / 8; }

// Of a block: a block all of whose pages are members has no bitmap.
constexpr std::uint64_t member_bitmap_bytes(const TableEntry& entry) {
  return entry.members == entry.pages ? 0 : bitmap_bytes(entry.pages);
}

// The pages whose content an entry brings, or that it announces.
constexpr std::uint64_t pages_brought(const TableEntry& entry) {
  return entry.members != 0 ? entry.members : entry.pages;
}

inline constexpr std::uint32_t kMaxEntries = 512;
inline constexpr std::uint32_t kMaxPayloadBytes = 4u << 20;

// Knuth's multiplicative hash (The Art of Computer Programming, volume 3, section 6.4), its upper half
// scaled to the channels: neighbours are spread evenly, and so are the stripes of a sparse guest
// whatever their distance. A remainder would put every second, or every 256th, on one channel.
inline constexpr std::uint64_t kStripeFactor = 0x9e3779b97f4a7c15;
constexpr std::uint64_t channel_of_stripe(std::uint64_t stripe, std::uint64_t channels) {
  return ((stripe * kStripeFactor) >> 32) * channels >> 32;
}

}  // namespace pageferry::wire
