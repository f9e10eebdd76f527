// A block as one zstd frame, alone or with what its pages held before as its prefix. docs/encodings.md, "zstd" and
// "zstd-delta".
//
// Thread contract: that of block codecs. Whatever zstd needs is allocated when one is made, for the largest block and, of
// an encoder, for the level that needs the most; zstd itself never allocates. A decoder takes 0.12 MiB. An encoder takes
// 5.3 MiB of addresses, or 9.3 MiB where it has a prefix, of which the system backs what its calls use: 0.3 MiB for 64 pages at
// level 1 without a prefix.
#pragma once

#include <memory>
#include <string_view>

#include "codec/block_codec.h"

namespace pageferry {

std::unique_ptr<BlockEncoder> make_zstd_encoder();
std::unique_ptr<BlockDecoder> make_zstd_decoder();
std::unique_ptr<BlockEncoder> make_zstd_delta_encoder();
std::unique_ptr<BlockDecoder> make_zstd_delta_decoder();

// The version of the zstd library that was linked in: "1.5.7".
std::string_view zstd_version();

}  // namespace pageferry
