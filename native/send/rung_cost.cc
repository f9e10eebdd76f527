#include "send/rung_cost.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>

#include "codec/block_codec.h"

namespace pageferry {

namespace {

constexpr int kPasses = 3;

}  // namespace

double nanoseconds_a_page(const Rung& rung, std::span<const std::byte> sample) {
  const auto encoder = make_block_encoder(rung.encoding);
  const auto out = std::make_unique_for_overwrite<std::byte[]>(kMostBlockBytes);
  const std::size_t block = rung.block_pages * kCodecPageBytes;
  double least = std::numeric_limits<double>::infinity();
  for (int pass = 0; pass < kPasses; ++pass) {
    const auto started = std::chrono::steady_clock::now();
    for (std::size_t at = 0; at < sample.size(); at += block) {
      const auto pages = sample.subspan(at, std::min(block, sample.size() - at));
      (void)encoder->encode(pages, {}, rung.level, {out.get(), pages.size() - 1});
    }
    const std::chrono::duration<double, std::nano> took =
        std::chrono::steady_clock::now() - started;
    least = std::min(least, took.count());
  }
  return least / static_cast<double>(sample.size() / kCodecPageBytes);
}

}  // namespace pageferry
