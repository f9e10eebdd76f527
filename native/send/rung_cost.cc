#include "send/rung_cost.h"

#include <time.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "codec/block_codec.h"

namespace pageferry {

namespace {

constexpr int kPasses = 3;

// Of this thread: what others do on its core in between does not count.
double thread_nanoseconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

}  // namespace

double nanoseconds_a_page(const Rung& rung, std::span<const std::byte> sample) {
  const auto encoder = make_block_encoder(rung.encoding);
  const auto out = std::make_unique_for_overwrite<std::byte[]>(kMostBlockBytes);
  const std::size_t block = rung.block_pages * kCodecPageBytes;
  double all = 0;
  for (std::size_t at = 0; at < sample.size(); at += block) {
    const auto pages = sample.subspan(at, std::min(block, sample.size() - at));
    double least = std::numeric_limits<double>::infinity();
    for (int pass = 0; pass < kPasses; ++pass) {
      const double started = thread_nanoseconds();
      (void)encoder->encode(pages, {}, rung.level, {out.get(), pages.size() - 1});
      least = std::min(least, thread_nanoseconds() - started);
    }
    all += least;
  }
  return all / static_cast<double>(sample.size() / kCodecPageBytes);
}

}  // namespace pageferry
