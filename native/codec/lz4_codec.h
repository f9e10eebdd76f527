// A block as one LZ4 block (the block format, no frame around it). docs/encodings.md, "lz4".
//
// Thread contract: that of block codecs.
#pragma once

#include <memory>
#include <string_view>

#include "codec/block_codec.h"

namespace pageferry {

std::unique_ptr<BlockEncoder> make_lz4_encoder();
std::unique_ptr<BlockDecoder> make_lz4_decoder();

// The version of the LZ4 library that was linked in: "1.10.0".
std::string_view lz4_version();

}  // namespace pageferry
