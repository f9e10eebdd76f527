// How much is done to make pages smaller: what policy has decided, read by those who encode.
//
// Thread contract: everything from any thread. Both rungs of a decision are seen together, and so is the rest of it; a reader
// may see the rungs of one decision beside the rest of another, which do not depend on each other.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>

#include "codec/encoding.h"

namespace pageferry {

// How a page is encoded that has no base, or whose delta is no gain.
enum class Method : std::uint8_t {
  kRaw,
  kBlocks,  // by one encoding
  kMecom,   // sparse, WKdm or LZ4 by the page's class
};

struct Rung {
  Method method = Method::kRaw;
  Encoding encoding = Encoding::kLz4;  // of kBlocks
  std::uint8_t level = 1;              // of zstd
  std::uint8_t block_pages = 1;        // 1 to kMostBlockPages

  bool operator==(const Rung&) const = default;
};

// How a page is encoded whose base is known: the bases are kept, or nothing is.
enum class Deltas : std::uint8_t {
  kNone,
  kZstd,
  kLz4,
  kXbzrle,
  kByChange,  // XBZRLE where little has changed and the link waits for the encoder, zstd otherwise
};

struct EffortPlan {
  Rung lower;  // while the channel's queue is at most half full: the link waits for the encoder
  Rung upper;  // while it is fuller: the encoder waits for the link
  Deltas deltas = Deltas::kNone;
  // Encoders that may work at the same time, beside the channels' own threads.
  std::uint8_t encoders = 0;
  // Bytes that a channel's queue holds at most, in units of 64 KiB.
  std::uint16_t queue_units = 16;

  bool operator==(const EffortPlan&) const = default;
};

class Effort {
 public:
  explicit Effort(const EffortPlan& plan) { set(plan); }

  void set(const EffortPlan& plan) {
    rungs_.store(std::uint64_t{pack(plan.lower)} << 32 | pack(plan.upper),
                 std::memory_order_relaxed);
    rest_.store(std::uint32_t{static_cast<std::uint8_t>(plan.deltas)} << 24 |
                    std::uint32_t{plan.encoders} << 16 | plan.queue_units,
                std::memory_order_relaxed);
  }

  Rung rung(bool queue_is_full) const {
    const std::uint64_t rungs = rungs_.load(std::memory_order_relaxed);
    return unpack(static_cast<std::uint32_t>(queue_is_full ? rungs : rungs >> 32));
  }
  Deltas deltas() const { return static_cast<Deltas>(rest() >> 24); }
  std::uint32_t encoders() const { return rest() >> 16 & 0xff; }
  std::uint64_t queue_bytes() const { return std::uint64_t{rest() & 0xffff} << 16; }

 private:
  std::uint32_t rest() const { return rest_.load(std::memory_order_relaxed); }
  static std::uint32_t pack(const Rung& rung) {
    return std::uint32_t{static_cast<std::uint8_t>(rung.method)} << 24 |
           std::uint32_t{static_cast<std::uint8_t>(rung.encoding)} << 16 |
           std::uint32_t{rung.level} << 8 | rung.block_pages;
  }
  static Rung unpack(std::uint32_t packed) {
    return {.method = static_cast<Method>(packed >> 24),
            .encoding = static_cast<Encoding>(packed >> 16 & 0xff),
            .level = static_cast<std::uint8_t>(packed >> 8 & 0xff),
            .block_pages = static_cast<std::uint8_t>(packed & 0xff)};
  }

  std::atomic<std::uint64_t> rungs_;
  std::atomic<std::uint32_t> rest_;
};

}  // namespace pageferry
