// The pages of a process that were ever seen to hold something: their numbers, and what they held.
//
// Thread contract: use each object from one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "region/guest_memory.h"

namespace pageferry {

class SeenPages {
 public:
  struct Page {
    std::uint32_t& index;
    std::uint64_t& digest;
    bool is_new;  // seen for the first time: its index is the next free one, its digest is 0
  };

  // Valid until the next call.
  Page at(std::uint64_t address) {
    const std::uint64_t number = address / kPageBytes;
    Chunk& chunk = chunk_of(number / kPagesPerChunk);
    const std::uint64_t slot = number % kPagesPerChunk;
    std::uint32_t& index = chunk.indices[slot];
    const bool is_new = index == kUnseen;
    if (is_new) index = count_++;
    return {index, chunk.digests[slot], is_new};
  }

  std::uint32_t count() const { return count_; }

 private:
  static constexpr std::uint64_t kPagesPerChunk = 512;
  static constexpr std::uint32_t kUnseen = ~std::uint32_t{0};

  struct Chunk {
    Chunk() { indices.fill(kUnseen); }
    std::array<std::uint32_t, kPagesPerChunk> indices;
    std::array<std::uint64_t, kPagesPerChunk> digests{};
  };

  // Pages are asked for in order, so the last chunk is mostly the one.
  Chunk& chunk_of(std::uint64_t number) {
    if (last_ != nullptr && number == last_number_) return *last_;
    std::unique_ptr<Chunk>& chunk = chunks_[number];
    if (chunk == nullptr) chunk = std::make_unique<Chunk>();
    last_number_ = number;
    last_ = chunk.get();
    return *last_;
  }

  std::unordered_map<std::uint64_t, std::unique_ptr<Chunk>> chunks_;
  std::uint64_t last_number_ = 0;
  Chunk* last_ = nullptr;
  std::uint32_t count_ = 0;
};

}  // namespace pageferry
