// What one encoding makes of the pages of an image, and what that costs: the pages are gathered in blocks as a sender
// gathers them, encoded, decoded and compared.
//
// Thread contract: any thread. A trial takes as long as encoding and decoding do, on the thread that calls it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "codec/block_codec.h"
#include "image/image_file.h"
#include "os/status.h"

namespace pageferry {

struct Trial {
  Encoding encoding = Encoding::kLz4;
  int level = 1;                // of zstd and zstd-delta: kLeastZstdLevel to kMostZstdLevel
  std::size_t block_pages = 1;  // 1 to kMostBlockPages
  bool changes = false;  // the pages that later snapshots change, instead of those of the first one
  std::uint64_t most_pages =
      0;  // about; runs of 1024 pages are taken that are evenly spread. 0: all
};

struct TrialResult {
  std::uint64_t pages = 0;      // that were tried: neither zero nor of one word
  std::uint64_t bytes_out = 0;  // blocks that do not shrink count whole
  std::uint64_t pages_raw =
      0;  // in blocks that do not shrink below 95 %: a sender sends them as they are
  std::uint64_t encode_ns = 0;
  std::uint64_t decode_ns = 0;  // of the pages that are not raw
};

// kInvalidArgument for a delta without `changes`: there is nothing before the first snapshot. kProtocol when what was
// encoded is decoded to something else, which is a defect. Other failures are those of reading the image.
Result<TrialResult> try_encoding(const ImageFile& image, const Trial& trial);

// The length of one page of the first snapshot, encoded by itself; empty where that is no shorter than the page. The
// page is below image.pages(), and the encoding needs no base.
Result<std::optional<std::size_t>> try_page(const ImageFile& image, std::uint32_t page,
                                            Encoding encoding, int level);

// A block with a page in it.
struct BlockOfPage {
  std::size_t pages = 0;             // that are encoded together
  std::optional<std::size_t> bytes;  // empty where it does not shrink below 95 %
};

// The block that a sender would put this page of the first snapshot into: of the pages of its stripe that are neither zero
// nor of one word, in their order, each `block_pages` (1 to kMostBlockPages) are a block, and the rest are the last one.
// `page` is below image.pages() and one of these pages, or nothing is encoded and the block has no pages; the encoding
// needs no base.
Result<BlockOfPage> try_block_of(const ImageFile& image, std::uint32_t page, Encoding encoding,
                                 int level, std::size_t block_pages);

}  // namespace pageferry
