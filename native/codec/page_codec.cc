#include "codec/page_codec.h"

#include <array>

#include "codec/lz4_codec.h"
#include "codec/raw_codec.h"
#include "codec/zero_codec.h"

namespace pageferry {
namespace {

// Every codec there is. A new one is one line here.
std::span<const PageCodec* const> all_codecs() {
  static const RawCodec raw;
  static const ZeroCodec zero;
  static const Lz4Codec lz4;
  static const std::array<const PageCodec*, 3> codecs = {&raw, &zero, &lz4};
  return codecs;
}

}  // namespace

const PageCodec* find_page_codec(PageCodecId id) {
  for (const PageCodec* codec : all_codecs()) {
    if (codec->id() == id) return codec;
  }
  return nullptr;
}

const PageCodec* find_page_codec(std::string_view name) {
  for (const PageCodec* codec : all_codecs()) {
    if (codec->name() == name) return codec;
  }
  return nullptr;
}

}  // namespace pageferry
