// The limit for finding out that memory holds nothing but zeros: how fast one core reads populated 4 KiB
// pages, from a memfd as guests have it.
//
//   memory_read --bytes N
#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "loopback.h"

namespace {

using Words = std::uint64_t __attribute__((vector_size(16)));

std::uint64_t read_all(const std::byte* memory, std::size_t bytes) {
  const auto* words = reinterpret_cast<const Words*>(memory);
  // Four accumulators, so that no step waits for the one before it; all stay in registers.
  Words a = {};
  Words b = {};
  Words c = {};
  Words d = {};
  for (std::size_t i = 0; i + 4 <= bytes / sizeof(Words); i += 4) {
    a |= words[i];
    b |= words[i + 1];
    c |= words[i + 2];
    d |= words[i + 3];
  }
  const Words any = a | b | c | d;
  return any[0] | any[1];
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t bytes = std::stoull(baseline::option(argc, argv, "--bytes", "4294967296")) /
                            baseline::kPageBytes * baseline::kPageBytes;
  std::byte* memory = baseline::map_memory(bytes);
  if (::madvise(memory, bytes, MADV_POPULATE_WRITE) != 0) baseline::die("populate");
  const double started = baseline::now_seconds();
  const std::uint64_t word = read_all(memory, bytes);
  const double seconds = baseline::now_seconds() - started;
  if (word != 0) baseline::die("memory that nobody wrote is not zero");
  std::printf("{\"bytes\": %zu, \"seconds\": %.6f}\n", bytes, seconds);
}
