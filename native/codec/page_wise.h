// A block whose pages are encoded one by one by a page codec (docs/encodings.md, "Page by page"): for each page two bytes
// of length L, then L bytes. L of kCodecPageBytes is the page as it is, which the codec did not make smaller.
//
// Thread contract: that of block codecs.
#pragma once

#include <memory>

#include "codec/block_codec.h"
#include "codec/page_codec.h"

namespace pageferry {

// `codec` outlives what is made.
std::unique_ptr<BlockEncoder> make_page_wise_encoder(const PageCodec& codec);
std::unique_ptr<BlockDecoder> make_page_wise_decoder(const PageCodec& codec);

}  // namespace pageferry
