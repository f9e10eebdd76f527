// The contract of the codecs of a block: up to kMostBlockPages pages, one behind the other, encoded together.
//
// An encoder and a decoder keep what they need from call to call: contexts and tables, no content of any page. So each
// block is decoded by itself, by any decoder of its encoding.
//
// Thread contract: one thread each. They allocate when they are made and not afterwards.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

#include "codec/encoding.h"
#include "os/status.h"

namespace pageferry {

// Whether a block of this encoding is decoded beside what its pages held before.
bool needs_base(Encoding encoding);
// Whether it can be decoded where its bases lie: only what has changed is written then.
bool decodes_in_place(Encoding encoding);

// The range of levels of zstd and zstd-delta. The other encodings have one level and take no notice of it.
inline constexpr int kLeastZstdLevel = 1;
inline constexpr int kMostZstdLevel = 19;

class BlockEncoder {
 public:
  virtual ~BlockEncoder() = default;

  // Encodes `pages`, 1 to kMostBlockPages of them, into `out` and returns the encoded length, 1 <= length <= out.size().
  // Empty when they do not fit; what `out` holds then says nothing. `base` is as long as `pages` where the encoding
  // needs one, and empty otherwise. Nobody writes `pages` or `base` meanwhile.
  virtual std::optional<std::size_t> encode(std::span<const std::byte> pages,
                                            std::span<const std::byte> base, int level,
                                            std::span<std::byte> out) = 0;
};

class BlockDecoder {
 public:
  virtual ~BlockDecoder() = default;

  // Decodes `encoded`, which may be hostile, into all of `pages`: never reads or writes outside its spans, and takes
  // time in proportion to them. `base` as for encode(). It does not overlap with `pages`, or is the same where the encoding decodes
  // in place. kProtocol when `encoded` is
  // not an encoding of so many pages beside that base; `pages` then holds anything.
  virtual Status decode(std::span<const std::byte> encoded, std::span<const std::byte> base,
                        std::span<std::byte> pages) = 0;
};

std::unique_ptr<BlockEncoder> make_block_encoder(Encoding encoding);
std::unique_ptr<BlockDecoder> make_block_decoder(Encoding encoding);

}  // namespace pageferry
