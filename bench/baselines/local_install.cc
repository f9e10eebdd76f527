// The local half of a demand fault: a thread touches a page that is in the file but not mapped, and
// another thread of the same process, asleep in poll(), maps it with UFFDIO_CONTINUE. What a demand fault
// costs when the page needs no network.
//
//   local_install --count N
//
// Prints the microseconds that the touching thread waited, in the placement of the two threads on cores
// that is fastest.
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "loopback.h"

namespace {

// One guest page in so many is touched, so that the kernel maps no neighbours along with it.
constexpr std::size_t kStride = 16 * baseline::kPageBytes;

struct Memory {
  std::byte* engine;
  std::byte* guest;
};

struct Latencies {
  double p50;
  double p99;
};

int open_userfaultfd() {
  const int fd = static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
  if (fd < 0) baseline::die("userfaultfd");
  uffdio_api api = {};
  api.api = UFFD_API;
  api.features = UFFD_FEATURE_MINOR_SHMEM;
  if (::ioctl(fd, UFFDIO_API, &api) != 0) baseline::die("UFFDIO_API");
  return fd;
}

Memory map_twice(std::size_t bytes, int fault_fd) {
  const int fd = ::memfd_create("pageferry-baseline", MFD_CLOEXEC);
  if (fd < 0 || ::ftruncate(fd, static_cast<off_t>(bytes)) != 0) baseline::die("memfd");
  const auto map = [&] {
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) baseline::die("mmap");
    return static_cast<std::byte*>(memory);
  };
  const Memory memory = {.engine = map(), .guest = map()};
  ::close(fd);
  if (::madvise(memory.engine, bytes, MADV_POPULATE_WRITE) != 0) baseline::die("populate");
  uffdio_register range = {};
  range.range = {.start = reinterpret_cast<std::uint64_t>(memory.guest), .len = bytes};
  range.mode = UFFDIO_REGISTER_MODE_MINOR;
  if (::ioctl(fault_fd, UFFDIO_REGISTER, &range) != 0) baseline::die("UFFDIO_REGISTER");
  return memory;
}

void serve(int fault_fd, std::size_t count) {
  for (std::size_t served = 0; served < count;) {
    pollfd wait = {.fd = fault_fd, .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, -1) < 0) baseline::die("poll");
    uffd_msg message;
    if (::read(fault_fd, &message, sizeof(message)) != sizeof(message)) continue;
    uffdio_continue page = {};
    page.range.start = message.arg.pagefault.address / baseline::kPageBytes * baseline::kPageBytes;
    page.range.len = baseline::kPageBytes;
    if (::ioctl(fault_fd, UFFDIO_CONTINUE, &page) != 0) baseline::die("UFFDIO_CONTINUE");
    ++served;
  }
}

// Which core the calling thread runs on, counted through those it may use; any when there are fewer.
void run_on(unsigned wanted) {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof(allowed), &allowed) != 0) baseline::die("sched_getaffinity");
  for (unsigned core = 0; core < CPU_SETSIZE; ++core) {
    if (!CPU_ISSET(core, &allowed) || wanted-- > 0) continue;
    cpu_set_t chosen;
    CPU_ZERO(&chosen);
    CPU_SET(core, &chosen);
    if (::sched_setaffinity(0, sizeof(chosen), &chosen) != 0) baseline::die("sched_setaffinity");
    return;
  }
}

Latencies measure(std::size_t count, unsigned server_core) {
  const int fault_fd = open_userfaultfd();
  const std::size_t bytes = count * kStride;
  const Memory memory = map_twice(bytes, fault_fd);
  std::vector<double> took(count);
  std::thread server([&] {
    run_on(server_core);
    serve(fault_fd, count);
  });
  std::thread toucher([&] {
    run_on(0);
    for (std::size_t i = 0; i < count; ++i) {
      const double started = baseline::now_seconds();
      *reinterpret_cast<volatile std::byte*>(memory.guest + i * kStride);
      took[i] = (baseline::now_seconds() - started) * 1e6;
    }
  });
  toucher.join();
  server.join();
  ::munmap(memory.guest, bytes);
  ::munmap(memory.engine, bytes);
  ::close(fault_fd);
  std::ranges::sort(took);
  return {.p50 = took[count / 2], .p99 = took[count * 99 / 100]};
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = std::stoull(baseline::option(argc, argv, "--count", "5000"));
  if (count == 0) baseline::die("--count");
  Latencies best = measure(count, 0);
  if (std::thread::hardware_concurrency() > 1) {
    const Latencies apart = measure(count, 1);
    if (apart.p50 < best.p50) best = apart;
  }
  std::printf("{\"count\": %zu, \"p50Us\": %.3f, \"p99Us\": %.3f}\n", count, best.p50, best.p99);
}
