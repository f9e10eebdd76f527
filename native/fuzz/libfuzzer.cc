// What libFuzzer calls, and an allocator under which ten million runs take minutes and not hours.
//
// ASan maps every block of more than 128 KiB, unmaps it later and gives up its shadow, and that takes longer than most runs
// do. Such blocks stay allocated here. Whenever nobody has one all of it is poisoned, and ASan's redzones stay around it, so
// that a use after its end or outside of it is found as ever.
#include <sanitizer/asan_interface.h>

#include <array>
#include <mutex>
#include <new>

#include "fuzz/target.h"

namespace {

constexpr std::size_t kLargeBytes = 128u << 10;

struct LargeBlock {
  void* start = nullptr;
  std::size_t bytes = 0;
  bool in_use = false;
};

// Guards the blocks.
constinit std::mutex mutex;
// The first ones that are allocated; those of a size that none of them has are left to ASan.
constinit std::array<LargeBlock, 8> blocks;

void* allocate_large(std::size_t bytes) {
  const std::scoped_lock lock(mutex);
  for (LargeBlock& block : blocks) {
    if (block.in_use || (block.start != nullptr && block.bytes != bytes)) continue;
    if (block.start == nullptr) block = {std::malloc(bytes), bytes};
    ASAN_UNPOISON_MEMORY_REGION(block.start, bytes);
    block.in_use = block.start != nullptr;
    return block.start;
  }
  return std::malloc(bytes);
}

// False where it is none of those that stay.
bool keep(void* start) {
  const std::scoped_lock lock(mutex);
  for (LargeBlock& block : blocks) {
    if (block.start != start) continue;
    pageferry::fuzzing::require(block.in_use, "a block is freed once");
    ASAN_POISON_MEMORY_REGION(start, block.bytes);
    block.in_use = false;
    return true;
  }
  return false;
}

}  // namespace

void* operator new[](std::size_t bytes) {
  void* start = bytes > kLargeBytes ? allocate_large(bytes) : std::malloc(bytes);
  if (start == nullptr) std::abort();
  return start;
}

void operator delete[](void* start) noexcept {
  if (start != nullptr && !keep(start)) std::free(start);
}

void operator delete[](void* start, std::size_t) noexcept { ::operator delete[](start); }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pageferry::fuzzing::fuzz(std::as_bytes(std::span(data, size)));
  return 0;
}
