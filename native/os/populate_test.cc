#include "os/populate.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string>
#include <vector>

#include "os/mapping.h"
#include "os/unique_fd.h"

namespace pageferry {
namespace {

constexpr std::uint64_t kSmallPageBytes = 4096;

struct SharedMemory {
  explicit SharedMemory(std::uint64_t bytes) : fd(::memfd_create("test", MFD_CLOEXEC)) {
    EXPECT_EQ(::ftruncate(fd.get(), static_cast<off_t>(bytes)), 0);
    auto mapped = Mapping::map_shared_aligned(fd.get(), bytes, kHugePageBytes);
    EXPECT_TRUE(mapped.ok()) << mapped.status().message();
    mapping = std::move(mapped.value());
  }

  std::byte* at(std::uint64_t offset) const { return mapping.data() + offset; }
  std::vector<std::uint64_t> pages_there() const {
    std::vector<unsigned char> in_core(mapping.size() / kSmallPageBytes);
    EXPECT_EQ(::mincore(mapping.data(), mapping.size(), in_core.data()), 0);
    std::vector<std::uint64_t> pages;
    for (std::uint64_t i = 0; i < in_core.size(); ++i) {
      if (in_core[i] & 1) pages.push_back(i);
    }
    return pages;
  }

  UniqueFd fd;
  Mapping mapping;
};

std::vector<std::uint64_t> range(std::uint64_t first, std::uint64_t end) {
  std::vector<std::uint64_t> pages;
  for (std::uint64_t page = first; page < end; ++page) pages.push_back(page);
  return pages;
}

// The kernel's count of what this process has mapped of shared memory as huge pages.
std::uint64_t huge_bytes_mapped() {
  std::ifstream rollup("/proc/self/smaps_rollup");
  for (std::string word; rollup >> word;) {
    std::uint64_t kib = 0;
    if (word == "ShmemPmdMapped:" && rollup >> kib) return kib << 10;
  }
  return 0;
}

TEST(Mapping, StartsAtAMultipleOfItsAlignmentAndHasNothingAroundIt) {
  const SharedMemory memory(3 * kSmallPageBytes);
  const auto address = reinterpret_cast<std::uintptr_t>(memory.mapping.data());
  EXPECT_EQ(address % kHugePageBytes, 0u);
  for (const std::intptr_t outside : {-1, 3}) {
    std::array<unsigned char, 1> in_core;
    std::byte* const page = memory.mapping.data() + outside * std::intptr_t{kSmallPageBytes};
    // Something else of this process may lie there, but nothing of ours that cannot be used.
    if (::mincore(page, kSmallPageBytes, in_core.data()) != 0) {
      EXPECT_EQ(errno, ENOMEM);
    }
  }
}

TEST(Populate, MakesThePagesOfARangeAndNoOthers) {
  const SharedMemory memory(3 * kHugePageBytes);
  const std::uint64_t first = 500;
  const std::uint64_t count = 600;  // the end of one huge page, a whole one, the start of another
  ASSERT_TRUE(populate(memory.at(first * kSmallPageBytes), count * kSmallPageBytes).ok());
  EXPECT_EQ(memory.pages_there(), range(first, first + count));
}

TEST(Populate, KeepsWhatIsThere) {
  const SharedMemory memory(2 * kHugePageBytes);
  const std::uint64_t offset = kHugePageBytes + 7 * kSmallPageBytes + 9;
  *memory.at(0) = std::byte{1};
  *memory.at(offset) = std::byte{2};
  ASSERT_TRUE(populate(memory.at(0), memory.mapping.size()).ok());
  EXPECT_EQ(*memory.at(0), std::byte{1});
  EXPECT_EQ(*memory.at(offset), std::byte{2});
  EXPECT_EQ(*memory.at(offset + 1), std::byte{0});
}

TEST(Populate, MakesHugePagesWhereTheKernelCan) {
  const SharedMemory probe(kHugePageBytes);
  *probe.at(0) = std::byte{1};
  constexpr int kCollapse = 25;
  if (::madvise(probe.at(0), kHugePageBytes, kCollapse) != 0) {
    GTEST_SKIP() << "this kernel makes no huge pages of shared memory on demand (Linux 6.1)";
  }
  const std::uint64_t before = huge_bytes_mapped();
  const SharedMemory memory(4 * kHugePageBytes);
  ASSERT_TRUE(populate(memory.at(0), memory.mapping.size()).ok());
  EXPECT_EQ(huge_bytes_mapped() - before, 4 * kHugePageBytes);
}

TEST(Populate, MemoryThatIsNotWritableIsAnError) {
  const SharedMemory memory(kHugePageBytes);
  ASSERT_EQ(::mprotect(memory.at(0), kHugePageBytes, PROT_READ), 0);
  EXPECT_FALSE(populate(memory.at(0), kHugePageBytes).ok());
}

}  // namespace
}  // namespace pageferry
