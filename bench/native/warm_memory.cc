// Touches memory once and frees it, so that the host of a virtual machine has backed it: the very first
// touch of a page that the machine has never used costs several times more than any later one.
//
//   warm_memory BYTES
//
// Prints one line of JSON: the bytes and the seconds it took.
#include <sys/mman.h>
#include <sys/prctl.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

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
    if (memory == MAP_FAILED || ::madvise(memory, bytes, MADV_POPULATE_WRITE) != 0) {
      std::perror("warm_memory");
      return 1;
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  std::printf("{\"bytes\": %zu, \"seconds\": %.3f}\n", bytes, took.count());
}
