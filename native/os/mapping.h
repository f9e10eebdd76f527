// Owns one memory mapping and unmaps it. Not thread-safe; the bytes behind it may be shared.
#pragma once

#include <cstddef>

#include "os/status.h"

namespace pageferry {

class Mapping {
 public:
  Mapping() = default;
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping();

  // Maps `bytes` of `fd` from its start, shared, readable and writable, without reserving swap.
  static Result<Mapping> map_shared(int fd, std::size_t bytes);
  // The same at an address that is a multiple of `alignment`. Both are multiples of the page size.
  static Result<Mapping> map_shared_aligned(int fd, std::size_t bytes, std::size_t alignment);
  // Maps `bytes` of private anonymous memory, readable and writable, without reserving swap.
  static Result<Mapping> map_anonymous(std::size_t bytes);

  std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  Mapping(std::byte* data, std::size_t size) : data_(data), size_(size) {}
  static Result<Mapping> map(int protection, int flags, int fd, std::size_t bytes, void* at);
  void reset();

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace pageferry
