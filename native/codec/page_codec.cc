#include "codec/page_codec.h"

#include <array>
#include <cstring>

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

bool is_zero_page(std::span<const std::byte> page) {
  constexpr std::size_t kHead = 64;
  const std::size_t head = page.size() < kHead ? page.size() : kHead;
  for (const std::byte value : page.first(head)) {
    if (value != std::byte{0}) return false;
  }
  if (head == page.size()) return true;
  // The head is zero, so the page is when it equals itself shifted by the head's length. memcmp is
  // the fastest portable way to look at every byte.
  return std::memcmp(page.data(), page.data() + head, page.size() - head) == 0;
}

}  // namespace pageferry
