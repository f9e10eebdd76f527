// The limit for bulk copying: random pages from one process's memory into another's, already
// populated, by plain send and recv of 1 MiB over one loopback connection. Timed from the first send
// to the receiver's word that it has every byte.
//
//   tcp_stream --bytes N --congestion cubic|bbr|…|default
#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "loopback.h"

namespace {

constexpr std::size_t kChunkBytes = std::size_t{1} << 20;

template <class Move>
void in_chunks(std::byte* memory, std::size_t bytes, Move move) {
  for (std::size_t at = 0; at < bytes; at += kChunkBytes) {
    move(memory + at, std::min(kChunkBytes, bytes - at));
  }
}

std::uint64_t sum(const std::byte* memory, std::size_t bytes) {
  std::uint64_t total = 0;
  const auto* words = reinterpret_cast<const std::uint64_t*>(memory);
  for (std::size_t i = 0; i < bytes / sizeof(total); ++i) total = total * 31 + words[i];
  return total;
}

void receive(int fd, std::byte* memory, std::size_t bytes) {
  if (::madvise(memory, bytes, MADV_POPULATE_WRITE) != 0) baseline::die("populate");
  const char word = 1;
  baseline::send_all(fd, &word, 1);
  in_chunks(memory, bytes,
            [&](std::byte* at, std::size_t size) { baseline::receive_all(fd, at, size); });
  baseline::send_all(fd, &word, 1);
  const std::uint64_t total = sum(memory, bytes);
  baseline::send_all(fd, &total, sizeof(total));
}

// Answers the seconds it took.
double send(int fd, std::byte* memory, std::size_t bytes) {
  baseline::fill_random(memory, bytes, 1);
  char word = 0;
  baseline::receive_all(fd, &word, 1);
  const double started = baseline::now_seconds();
  in_chunks(memory, bytes,
            [&](std::byte* at, std::size_t size) { baseline::send_all(fd, at, size); });
  baseline::receive_all(fd, &word, 1);
  const double seconds = baseline::now_seconds() - started;
  std::uint64_t total = 0;
  baseline::receive_all(fd, &total, sizeof(total));
  if (total != sum(memory, bytes)) baseline::die("the bytes that arrived differ");
  return seconds;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t bytes = std::stoull(baseline::option(argc, argv, "--bytes", "2147483648")) /
                            baseline::kPageBytes * baseline::kPageBytes;
  const std::string congestion = baseline::option(argc, argv, "--congestion", "default");
  const auto [role, fd] = baseline::fork_over_loopback({.congestion = congestion});
  std::byte* memory = baseline::map_memory(bytes);
  double seconds = 0;
  if (role == baseline::Role::kChild) {
    receive(fd, memory, bytes);
  } else {
    seconds = send(fd, memory, bytes);
  }
  baseline::finish(role);
  std::printf("{\"bytes\": %zu, \"seconds\": %.6f}\n", bytes, seconds);
}
