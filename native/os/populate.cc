#include "os/populate.h"

#include <sys/mman.h>

#include <string>

#include "os/kernel_abi.h"

namespace pageferry {

namespace {

constexpr std::uint64_t kSmallPageBytes = 4096;

std::uint64_t address_of(const std::byte* at) { return reinterpret_cast<std::uintptr_t>(at); }

std::uint64_t round_up(std::uint64_t value) {
  return (value + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
}

}  // namespace

Status make_huge_pages(std::byte* start, std::uint64_t bytes) {
  // The kernel collapses what has a page table, and memory that nobody has touched has none.
  for (std::uint64_t at = 0; at < bytes; at += kHugePageBytes) {
    if (::madvise(start + at, kSmallPageBytes, MADV_POPULATE_WRITE) != 0) {
      return Status::from_errno("populating the first page of a huge page");
    }
  }
  if (::madvise(start, bytes, MADV_COLLAPSE) == 0) return Status();
  return Status::from_errno("making huge pages");
}

Status populate(std::byte* start, std::uint64_t bytes) {
  const std::uint64_t skipped = round_up(address_of(start)) - address_of(start);
  if (skipped < bytes) {
    const std::uint64_t whole = (bytes - skipped) / kHugePageBytes * kHugePageBytes;
    // What that leaves out comes in small pages.
    if (whole > 0) static_cast<void>(make_huge_pages(start + skipped, whole));
  }
  if (::madvise(start, bytes, MADV_POPULATE_WRITE) == 0) return Status();
  return Status::from_errno("populating " + std::to_string(bytes) + " bytes");
}

}  // namespace pageferry
