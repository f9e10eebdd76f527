// The ways by which post-copy can give the guest a page, beside memcpy of the same bytes in the same
// steps into memory that is there already.
//
//   install_bench --bytes N
//
// Private memory: UFFDIO_COPY and UFFDIO_ZEROPAGE. Shared memory: a copy through the engine mapping and
// UFFDIO_CONTINUE, into a fresh memfd or into one whose pages are there already. Each page by page and in
// runs of 1 MiB; one thread, no guest thread waits. Afterwards every byte is compared.
#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "measure.h"
#include "os/mapping.h"
#include "os/userfaultfd.h"

namespace {

using namespace pageferry;
using namespace pageferry::bench;

constexpr std::uint64_t kRunBytes = std::uint64_t{1} << 20;

Mapping map_private(std::uint64_t bytes) {
  auto mapping = Mapping::map_anonymous(bytes);
  check(mapping.status(), "memory");
  // As for guests: a huge page would come in one step.
  static_cast<void>(::madvise(mapping.value().data(), bytes, MADV_NOHUGEPAGE));
  return std::move(mapping.value());
}

void populate(std::byte* memory, std::uint64_t bytes) {
  if (::madvise(memory, bytes, MADV_POPULATE_WRITE) != 0) {
    check(Status::from_errno("madvise(MADV_POPULATE_WRITE)"), "memory");
  }
}

// Page i begins with i + 1, so that a page in the wrong place is seen.
Mapping make_source(std::uint64_t bytes) {
  Mapping source = map_private(bytes);
  auto* words = reinterpret_cast<std::uint64_t*>(source.data());
  for (std::uint64_t i = 0; i < bytes / sizeof(std::uint64_t); ++i) {
    words[i] = (i / (kPageBytes / sizeof(std::uint64_t)) + 1) * 0x9e3779b97f4a7c15 + i;
  }
  return source;
}

std::uint64_t address_of(const std::byte* memory) {
  return reinterpret_cast<std::uintptr_t>(memory);
}

class Paths {
 public:
  Paths(std::uint64_t bytes, std::uint64_t step) : source_(make_source(bytes)), step_(step) {}

  std::string all() const {
    return "{" + figures("memcpy", memcpy_into(true)) + ", " +
           figures("memcpyFresh", memcpy_into(false)) + ", " + figures("copy", copy(false)) + ", " +
           figures("zero", copy(true)) + ", " +
           figures("continueFresh", write_and_continue(false)) + ", " +
           figures("continue", write_and_continue(true)) + "}";
  }

 private:
  using Step = std::function<void(std::uint64_t at, std::uint64_t bytes)>;

  std::uint64_t bytes() const { return source_.size(); }

  double in_steps(const Step& step) const {
    return seconds([&] {
      for (std::uint64_t at = 0; at < bytes(); at += step_) {
        step(at, std::min(step_, bytes() - at));
      }
    });
  }

  void compare(const std::byte* arrived, const char* path) const {
    if (std::memcmp(arrived, source_.data(), bytes()) == 0) return;
    fail(std::string(path) + ": what was installed differs from its source");
  }

  double memcpy_into(bool populated) const {
    const Mapping target = map_private(bytes());
    if (populated) populate(target.data(), bytes());
    const double took = in_steps([&](std::uint64_t at, std::uint64_t size) {
      std::memcpy(target.data() + at, source_.data() + at, size);
    });
    compare(target.data(), "memcpy");
    return took;
  }

  double copy(bool zero) const {
    const Mapping guest = map_private(bytes());
    const auto uffd = UserFaultFd::open({});
    check(uffd.status(), "userfaultfd");
    check(uffd.value().register_range({address_of(guest.data()), bytes()}, FaultMode::kMissing),
          "register");
    const double took = in_steps([&](std::uint64_t at, std::uint64_t size) {
      const std::uint64_t to = address_of(guest.data() + at);
      check(zero ? uffd.value().zero({to, size}) : uffd.value().copy(to, source_.data() + at, size),
            "install");
    });
    if (!zero) {
      compare(guest.data(), "UFFDIO_COPY");
    } else if (std::any_of(guest.data(), guest.data() + bytes(),
                           [](std::byte value) { return value != std::byte{0}; })) {
      fail("UFFDIO_ZEROPAGE: a page that was installed is not zero");
    }
    return took;
  }

  double write_and_continue(bool populated) const {
    const auto created = GuestMemory::create_shared({bytes()});
    check(created.status(), "memory");
    const Region& region = created.value()->regions().front();
    if (populated) check(created.value()->prefault(), "prefault");
    const auto uffd = UserFaultFd::open({.minor_shared = true});
    check(uffd.status(), "userfaultfd");
    check(uffd.value().register_range(region.guest_range(), FaultMode::kMinor), "register");
    const double took = in_steps([&](std::uint64_t at, std::uint64_t size) {
      std::memcpy(region.engine_base + at, source_.data() + at, size);
      check(uffd.value().continue_range({region.guest_base + at, size}), "install");
    });
    compare(region.guest_mapping.data(), "UFFDIO_CONTINUE");
    return took;
  }

  std::string figures(const std::string& path, double took) const {
    const double pages = static_cast<double>(bytes() / kPageBytes);
    return "\"" + path + "\": {" + member("perPageUs", took * 1e6 / pages) + ", " +
           member("gbPerSecond", static_cast<double>(bytes()) / took / 1e9) + "}";
  }

  const Mapping source_;
  const std::uint64_t step_;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv, {"bytes"});
  const std::uint64_t bytes = options.bytes(std::uint64_t{256} << 20);
  if (const auto why = why_lacking("post-copy"); !why.empty()) {
    std::printf("%s\n", skipped(why).c_str());
    return 0;
  }
  std::printf("{\"bytes\": %llu, \"pages\": %s, \"runs\": %s}\n",
              static_cast<unsigned long long>(bytes), Paths(bytes, kPageBytes).all().c_str(),
              Paths(bytes, kRunBytes).all().c_str());
}
