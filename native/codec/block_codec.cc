#include "codec/block_codec.h"

#include "codec/lz4_codec.h"
#include "codec/lz4_delta_codec.h"
#include "codec/page_wise.h"
#include "codec/sparse_codec.h"
#include "codec/wkdm32_codec.h"
#include "codec/wkdm64_codec.h"
#include "codec/xbzrle_codec.h"
#include "codec/zstd_codec.h"

namespace pageferry {
namespace {

// The codec of an encoding that goes page by page; null for the others.
const PageCodec* page_codec(Encoding encoding) {
  static const Wkdm64Codec wkdm64;
  static const Wkdm32Codec wkdm32;
  static const SparseCodec sparse;
  static const Lz4DeltaCodec lz4_delta;
  static const XbzrleCodec xbzrle;
  switch (encoding) {
    case Encoding::kWkdm64:
      return &wkdm64;
    case Encoding::kWkdm32:
      return &wkdm32;
    case Encoding::kSparse:
      return &sparse;
    case Encoding::kLz4Delta:
      return &lz4_delta;
    case Encoding::kXbzrle:
      return &xbzrle;
    default:
      return nullptr;
  }
}

}  // namespace

bool needs_base(Encoding encoding) {
  switch (encoding) {
    case Encoding::kZstdDelta:
    case Encoding::kLz4Delta:
    case Encoding::kXbzrle:
      return true;
    default:
      return false;
  }
}

bool decodes_in_place(Encoding encoding) { return encoding == Encoding::kXbzrle; }

std::unique_ptr<BlockEncoder> make_block_encoder(Encoding encoding) {
  if (encoding == Encoding::kLz4) return make_lz4_encoder();
  if (encoding == Encoding::kZstd) return make_zstd_encoder();
  if (encoding == Encoding::kZstdDelta) return make_zstd_delta_encoder();
  const PageCodec* codec = page_codec(encoding);
  return codec == nullptr ? nullptr : make_page_wise_encoder(*codec);
}

std::unique_ptr<BlockDecoder> make_block_decoder(Encoding encoding) {
  if (encoding == Encoding::kLz4) return make_lz4_decoder();
  if (encoding == Encoding::kZstd) return make_zstd_decoder();
  if (encoding == Encoding::kZstdDelta) return make_zstd_delta_decoder();
  const PageCodec* codec = page_codec(encoding);
  return codec == nullptr ? nullptr : make_page_wise_decoder(*codec);
}

}  // namespace pageferry
