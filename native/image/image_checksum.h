// The checksum of the image file (docs/image-format.md): it finds damage, and no intent.
//
// Each step is a bijection of the state for a fixed word and of the word for a fixed state, so a change
// that is confined to one word is always found.
//
// Thread contract: use each object from one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace pageferry {

class ImageChecksum {
 public:
  // `bytes`: whole words of 8.
  void add(std::span<const std::byte> bytes) {
    std::uint64_t state = state_;
    for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint64_t)) {
      std::uint64_t word;
      std::memcpy(&word, bytes.data() + at, sizeof word);
      state = (state ^ word) * 0xff51afd7ed558ccd;
      state ^= state >> 29;
    }
    state_ = state;
  }

  std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0x9e3779b97f4a7c15;
};

}  // namespace pageferry
