// Touches memory once and frees it, so that the host of a virtual machine has backed it: the very first
// touch of a page that the machine has never used costs several times more than any later one.
//
//   warm_memory BYTES
//
// Prints one line of JSON: the bytes and the seconds it took.
#include <sys/mman.h>
#include <sys/prctl.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

namespace {

constexpr std::size_t kPageBytes = 4096;

// 0 or the error.
int populate(void* memory, std::size_t bytes) {
  return bytes == 0 || ::madvise(memory, bytes, MADV_POPULATE_WRITE) == 0 ? 0 : errno;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: warm_memory BYTES\n");
    return 2;
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const std::size_t bytes = std::stoull(argv[1]);
  const auto started = std::chrono::steady_clock::now();
  if (bytes > 0) {
    void* memory =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
      std::perror("warm_memory: mmap");
      return 1;
    }
    // From both ends: two cores wait for the host in half the time of one.
    const std::size_t half = bytes / 2 / kPageBytes * kPageBytes;
    int lower_failure = 0;
    std::thread lower([&] { lower_failure = populate(memory, half); });
    const int upper_failure = populate(static_cast<char*>(memory) + half, bytes - half);
    lower.join();
    if (const int failure = lower_failure != 0 ? lower_failure : upper_failure; failure != 0) {
      std::fprintf(stderr, "warm_memory: %s\n", std::strerror(failure));
      return 1;
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  std::printf("{\"bytes\": %zu, \"seconds\": %.3f}\n", bytes, took.count());
}
