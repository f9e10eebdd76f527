#include "os/mapping.h"

#include <sys/mman.h>

#include <utility>

namespace pageferry {

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  if (this != &other) {
    reset();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Mapping::~Mapping() { reset(); }

void Mapping::reset() {
  if (data_ != nullptr) ::munmap(data_, size_);
  data_ = nullptr;
  size_ = 0;
}

Result<Mapping> Mapping::map(int flags, int fd, std::size_t bytes) {
  void* address = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags | MAP_NORESERVE, fd, 0);
  if (address == MAP_FAILED) {
    return Status::from_errno("mmap of " + std::to_string(bytes) + " bytes");
  }
  return Mapping(static_cast<std::byte*>(address), bytes);
}

Result<Mapping> Mapping::map_shared(int fd, std::size_t bytes) {
  return map(MAP_SHARED, fd, bytes);
}

Result<Mapping> Mapping::map_anonymous(std::size_t bytes) {
  return map(MAP_PRIVATE | MAP_ANONYMOUS, -1, bytes);
}

}  // namespace pageferry
