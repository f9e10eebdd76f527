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

Result<Mapping> Mapping::map(int protection, int flags, int fd, std::size_t bytes, void* at) {
  void* address = ::mmap(at, bytes, protection, flags | MAP_NORESERVE, fd, 0);
  if (address == MAP_FAILED) {
    return Status::from_errno("mmap of " + std::to_string(bytes) + " bytes");
  }
  return Mapping(static_cast<std::byte*>(address), bytes);
}

Result<Mapping> Mapping::map_shared(int fd, std::size_t bytes) {
  return map(PROT_READ | PROT_WRITE, MAP_SHARED, fd, bytes, nullptr);
}

Result<Mapping> Mapping::map_shared_aligned(int fd, std::size_t bytes, std::size_t alignment) {
  auto room = map(PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, bytes + alignment, nullptr);
  if (!room.ok()) return room;
  std::byte* const from = room.value().data();
  const std::size_t before = -reinterpret_cast<std::uintptr_t>(from) % alignment;
  auto mapping = map(PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, bytes, from + before);
  if (!mapping.ok()) return mapping;
  // The mapping owns its part of the room from here on; what lies around it is given back.
  room.value().data_ = nullptr;
  if (before > 0) ::munmap(from, before);
  ::munmap(from + before + bytes, alignment - before);
  return mapping;
}

Result<Mapping> Mapping::map_anonymous(std::size_t bytes) {
  return map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, bytes, nullptr);
}

}  // namespace pageferry
