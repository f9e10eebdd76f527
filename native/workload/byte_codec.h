// Fixed-width little-endian integers in a byte string, with every read checked.
//
// Thread contract: use each object from one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace pageferry {

class ByteWriter {
 public:
  void u8(std::uint8_t value) { append(value, 1); }
  void u32(std::uint32_t value) { append(value, 4); }
  void u64(std::uint64_t value) { append(value, 8); }
  std::vector<std::uint8_t> take() { return std::move(bytes_); }

 private:
  void append(std::uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i)
      bytes_.push_back(static_cast<std::uint8_t>(value >> 8 * i));
  }
  std::vector<std::uint8_t> bytes_;
};

// A read beyond the end answers 0 and makes ok() false for good.
class ByteReader {
 public:
  explicit ByteReader(const std::vector<std::uint8_t>& bytes) : bytes_(bytes) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(extract(1)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(extract(4)); }
  std::uint64_t u64() { return extract(8); }
  std::size_t left() const { return bytes_.size() - at_; }
  bool ok() const { return ok_; }

 private:
  std::uint64_t extract(unsigned bytes) {
    if (left() < bytes) {
      ok_ = false;
      return 0;
    }
    std::uint64_t value = 0;
    for (unsigned i = 0; i < bytes; ++i) value |= std::uint64_t{bytes_[at_ + i]} << 8 * i;
    at_ += bytes;
    return value;
  }

  const std::vector<std::uint8_t>& bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace pageferry
