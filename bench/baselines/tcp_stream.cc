// The limit for bulk copying: random pages from one process's memory into another's, already
// populated, over one loopback connection: by plain send and recv of 1 MiB, or by another of the kernel's
// methods (bulk_send.h). Timed from the first send
// to the receiver's word that it has every byte.
//
//   tcp_stream --bytes N --congestion cubic|bbr|…|default --method send|zerocopy|sendfile|io_uring|…
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "bulk_send.h"
#include "loopback.h"

namespace {

constexpr std::size_t kChunkBytes = std::size_t{1} << 20;

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
  for (std::size_t at = 0; at < bytes; at += kChunkBytes) {
    baseline::receive_all(fd, memory + at, std::min(kChunkBytes, bytes - at));
  }
  baseline::send_all(fd, &word, 1);
  const std::uint64_t total = sum(memory, bytes);
  baseline::send_all(fd, &total, sizeof(total));
}

struct Took {
  double seconds = 0;
  double sender_cpu_seconds = 0;
};

double cpu_seconds() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

Took send(int fd, const std::string& method, const baseline::FileMemory& memory) {
  baseline::fill_random(memory.data, memory.bytes, 1);
  char word = 0;
  baseline::receive_all(fd, &word, 1);
  const double cpu_before = cpu_seconds();
  const double started = baseline::now_seconds();
  baseline::bulk_send(method, fd, memory);
  baseline::receive_all(fd, &word, 1);
  const Took took = {baseline::now_seconds() - started, cpu_seconds() - cpu_before};
  std::uint64_t total = 0;
  baseline::receive_all(fd, &total, sizeof(total));
  if (total != sum(memory.data, memory.bytes)) baseline::die("the bytes that arrived differ");
  return took;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t bytes = std::stoull(baseline::option(argc, argv, "--bytes", "2147483648")) /
                            baseline::kPageBytes * baseline::kPageBytes;
  const std::string congestion = baseline::option(argc, argv, "--congestion", "default");
  const auto [role, fd] = baseline::fork_over_loopback({.congestion = congestion});
  const std::string method = baseline::option(argc, argv, "--method", "send");
  int memory_fd = -1;
  std::byte* memory = baseline::map_memory(bytes, memory_fd);
  Took took;
  if (role == baseline::Role::kChild) {
    receive(fd, memory, bytes);
  } else {
    took = send(fd, method, {memory, bytes, memory_fd});
  }
  baseline::finish(role);
  std::printf("{\"bytes\": %zu, \"seconds\": %.6f, \"senderCpuSeconds\": %.6f}\n", bytes,
              took.seconds, took.sender_cpu_seconds);
}
