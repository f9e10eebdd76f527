// What pages of each content came to: counted where they are encoded, added up for a call.
//
// Thread contract: one thread at a time, but for EncodedTotals: any thread.
#pragma once

#include <array>
#include <cstdint>

#include "codec/block_codec.h"
#include "os/mutex.h"
#include "wire/contents.h"

namespace pageferry {

struct ContentStats {
  std::uint64_t pages = 0;
  std::uint64_t bytes_in = 0;   // of the pages
  std::uint64_t bytes_out = 0;  // of their payload
  std::uint64_t encode_ns = 0;  // spent on them, in vain or not; 0 for pages that need no encoder

  void add(const ContentStats& other) {
    pages += other.pages;
    bytes_in += other.bytes_in;
    bytes_out += other.bytes_out;
    encode_ns += other.encode_ns;
  }
  ContentStats since(const ContentStats& earlier) const {
    return {pages - earlier.pages, bytes_in - earlier.bytes_in, bytes_out - earlier.bytes_out,
            encode_ns - earlier.encode_ns};
  }
};

class ClassStats {
 public:
  ContentStats& operator[](std::uint8_t content) { return rows_[wire::row_of(content)]; }
  const ContentStats& operator[](std::uint8_t content) const {
    return rows_[wire::row_of(content)];
  }
  // Of all contents.
  std::uint64_t pages() const {
    std::uint64_t sum = 0;
    for (const ContentStats& row : rows_) sum += row.pages;
    return sum;
  }
  // Of the content zstd, by level.
  ContentStats& zstd_level(std::uint8_t level) { return zstd_levels_[level]; }
  const ContentStats& zstd_level(std::uint8_t level) const { return zstd_levels_[level]; }
  void add(const ClassStats& other) {
    for (std::size_t level = 0; level < zstd_levels_.size(); ++level) {
      zstd_levels_[level].add(other.zstd_levels_[level]);
    }
    for (std::size_t row = 0; row < rows_.size(); ++row) rows_[row].add(other.rows_[row]);
  }

  ClassStats since(const ClassStats& earlier) const {
    ClassStats difference;
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      difference.rows_[row] = rows_[row].since(earlier.rows_[row]);
    }
    for (std::size_t level = 0; level < zstd_levels_.size(); ++level) {
      difference.zstd_levels_[level] = zstd_levels_[level].since(earlier.zstd_levels_[level]);
    }
    return difference;
  }

 private:
  std::array<ContentStats, wire::kContents.size()> rows_ = {};
  std::array<ContentStats, kMostZstdLevel + 1> zstd_levels_ = {};
};

// What all encoders of a source have encoded so far. They add to it record by record.
class EncodedTotals {
 public:
  void add(const ClassStats& more) EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    totals_.add(more);
  }
  ClassStats read() const EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return totals_;
  }

 private:
  mutable Mutex mutex_;
  ClassStats totals_ GUARDED_BY(mutex_);
};

}  // namespace pageferry
