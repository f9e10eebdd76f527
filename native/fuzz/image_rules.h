// What docs/image-format.md says of an image file, once more and as plainly as can be: the code under test must come to
// the same verdict. Offsets are written out, and nothing of image/image_format.h is used.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "fuzz/target.h"

namespace pageferry::fuzzing {

inline constexpr std::uint64_t kImagePage = 4096;

// An integer of the file. The bytes are there.
template <class T>
T number_at(Input file, std::uint64_t offset) {
  T value = {};
  std::memcpy(&value, file.data() + offset, sizeof(value));
  return value;
}

// Of whole words of 8 bytes.
inline std::uint64_t image_checksum(Input bytes, std::uint64_t state = 0x9e3779b97f4a7c15) {
  for (std::uint64_t at = 0; at < bytes.size(); at += 8) {
    state = (state ^ number_at<std::uint64_t>(bytes, at)) * 0xff51afd7ed558ccd;
    state ^= state >> 29;
  }
  return state;
}

// The header says so many bytes of each, and each number is within its limit.
struct ImageLengths {
  std::uint64_t contents;
  std::uint64_t snapshots;
  std::uint64_t before_entries;  // mappings and addresses
  std::uint64_t entries;
  std::uint64_t names;

  std::uint64_t tables_at() const { return kImagePage + contents; }
  std::uint64_t entries_at() const { return tables_at() + snapshots + before_entries; }
  std::uint64_t file() const { return entries_at() + entries + names; }
};

// Nothing for a header that breaks a rule. The file has 4096 bytes at least.
inline std::optional<ImageLengths> lengths_in(Input file) {
  const auto pages = number_at<std::uint64_t>(file, 16);
  const auto contents = number_at<std::uint64_t>(file, 24);
  const auto entries = number_at<std::uint64_t>(file, 32);
  const auto snapshots = number_at<std::uint32_t>(file, 40);
  const auto mappings = number_at<std::uint32_t>(file, 44);
  const auto names = number_at<std::uint64_t>(file, 48);
  const bool is_of_this_format = std::memcmp(file.data(), "PFIMAGE\n", 8) == 0 &&
                                 number_at<std::uint32_t>(file, 8) == 1 &&
                                 number_at<std::uint32_t>(file, 12) == kImagePage;
  const bool within = pages >= 1 && pages <= 67108864 && entries <= 67108864 &&
                      contents <= entries && snapshots >= 1 && snapshots <= 4096 &&
                      mappings <= 1048576 && names <= 67108864;
  const bool is_ended =
      number_at<std::uint8_t>(file, 64) <= 1 && number_at<std::uint8_t>(file, 65) <= 3;
  const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
  const bool rest_is_zero = std::ranges::all_of(file.subspan(66, 6), is_zero) &&
                            std::ranges::all_of(file.subspan(80, kImagePage - 80), is_zero);
  if (!is_of_this_format || !within || !is_ended || !rest_is_zero) return std::nullopt;
  return ImageLengths{contents * kImagePage, snapshots * std::uint64_t{40},
                      mappings * std::uint64_t{40} + pages * 8, (entries * 4 + 7) / 8 * 8,
                      (names + 7) / 8 * 8};
}

// What the id must be. The file is as long as its header says.
inline std::uint64_t id_of(Input file, const ImageLengths& lengths) {
  std::array<std::byte, 80> header;
  std::memcpy(header.data(), file.data(), header.size());
  std::memset(header.data() + 72, 0, 8);
  return image_checksum(file.subspan(lengths.tables_at()), image_checksum(header));
}

struct RightImage {
  std::vector<std::uint32_t> entries;  // as they are in the file
  std::uint64_t of_first = 0;          // so many of them are of the first snapshot
  bool contents_match = true;          // with the checksums of their snapshots
};

// Nothing for a file that a reader refuses before it looks at contents.
inline std::optional<RightImage> right_image(Input file) {
  if (file.size() < kImagePage) return std::nullopt;
  const std::optional<ImageLengths> lengths = lengths_in(file);
  if (!lengths.has_value() || lengths->file() != file.size()) return std::nullopt;
  if (number_at<std::uint64_t>(file, 72) != id_of(file, *lengths)) return std::nullopt;
  RightImage image;
  const auto entries = number_at<std::uint64_t>(file, 32);
  for (std::uint64_t i = 0; i < entries; ++i) {
    image.entries.push_back(number_at<std::uint32_t>(file, lengths->entries_at() + 4 * i));
    if ((image.entries.back() & 0x7fffffff) >= number_at<std::uint64_t>(file, 16)) {
      return std::nullopt;
    }
  }
  std::uint64_t entry = 0;
  std::uint64_t content = 0;
  for (std::uint64_t at = 0; at < lengths->snapshots; at += 40) {
    const Input row = file.subspan(lengths->tables_at() + at, 40);
    const auto time = number_at<std::uint64_t>(row, 0);
    const auto before =
        at == 0 ? 0 : number_at<std::uint64_t>(file, lengths->tables_at() + at - 40);
    if (at == 0 ? time != 0 : time <= before) return std::nullopt;
    if (time > 604800000000000) return std::nullopt;
    const auto own = number_at<std::uint64_t>(row, 16);
    if (own > entries - entry) return std::nullopt;
    const std::uint64_t first = content;
    for (std::uint64_t i = 0; i < own; ++i) content += image.entries[entry++] >> 31 == 0 ? 1 : 0;
    if (content - first != number_at<std::uint64_t>(row, 24)) return std::nullopt;
    if (content * kImagePage > lengths->contents) return std::nullopt;
    const Input bytes = file.subspan((1 + first) * kImagePage, (content - first) * kImagePage);
    if (image_checksum(bytes) != number_at<std::uint64_t>(row, 32)) image.contents_match = false;
    if (at == 0) image.of_first = own;
  }
  if (entry != entries || content * kImagePage != lengths->contents) return std::nullopt;
  return image;
}

}  // namespace pageferry::fuzzing
