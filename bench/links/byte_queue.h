// A FIFO of bytes in blocks that come from a shared pool, so that what it occupies follows what it holds.
//
// Thread contract: single-threaded programs.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace relay {

struct Block {
  static constexpr std::size_t kBytes = std::size_t{1} << 18;
  std::array<std::byte, kBytes> bytes;
};

// Keeps blocks that were used once: memory that has been touched is faster than fresh memory.
class BlockPool {
 public:
  std::unique_ptr<Block> take() {
    if (free_.empty()) return std::unique_ptr<Block>(new Block);
    auto block = std::move(free_.back());
    free_.pop_back();
    return block;
  }
  void give_back(std::unique_ptr<Block> block) { free_.push_back(std::move(block)); }

 private:
  std::vector<std::unique_ptr<Block>> free_;
};

class ByteQueue {
 public:
  explicit ByteQueue(BlockPool& pool) : pool_(pool) {}
  ByteQueue(const ByteQueue&) = delete;
  ByteQueue& operator=(const ByteQueue&) = delete;
  ~ByteQueue() {
    for (auto& block : blocks_) pool_.give_back(std::move(block));
  }

  std::size_t size() const { return size_; }

  // Where the next bytes go; never empty. `added` says how many were put there.
  std::span<std::byte> space() {
    if (blocks_.empty() || end_ == Block::kBytes) {
      blocks_.push_back(pool_.take());
      end_ = 0;
    }
    return std::span(blocks_.back()->bytes).subspan(end_);
  }
  void added(std::size_t count) {
    end_ += count;
    size_ += count;
  }

  // The first bytes, as many as lie in one piece. `removed` says how many are no longer wanted.
  std::span<const std::byte> front() const {
    if (size_ == 0) return {};
    return std::span(blocks_.front()->bytes)
        .subspan(begin_, std::min(size_, Block::kBytes - begin_));
  }
  void removed(std::size_t count) {
    begin_ += count;
    size_ -= count;
    if (begin_ < Block::kBytes && size_ > 0) return;
    begin_ = 0;
    pool_.give_back(std::move(blocks_.front()));
    blocks_.pop_front();
  }

 private:
  BlockPool& pool_;
  std::deque<std::unique_ptr<Block>> blocks_;
  std::size_t begin_ = 0;  // Of the first block: what was removed.
  std::size_t end_ = 0;    // Of the last block: what was added.
  std::size_t size_ = 0;
};

}  // namespace relay
