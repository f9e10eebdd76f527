// The contract of every page codec: one page's bytes to fewer bytes and back.
//
// A codec is stateless and thread-safe; its state per thread, if it needs any, lives in the Scratch
// that the caller owns. It knows nothing of channels, page indices or guests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "os/status.h"

namespace pageferry {

// The number of a codec on the wire; docs/protocol.md lists them. Never reuse a number.
enum class PageCodecId : std::uint8_t { kRaw = 0, kZero = 1, kLz4 = 2 };

class PageCodec {
 public:
  virtual ~PageCodec() = default;

  virtual PageCodecId id() const = 0;
  virtual std::string_view name() const = 0;  // "raw", "zero", "lz4"

  // Encodes `page` into `out` and returns the encoded length, 0 <= length <= out.size(). Empty when
  // the page does not fit in out.size() bytes with this codec (or, for zero, is not all zero):
  // the caller then tries another. `out.size()` is the limit beyond which raw is the better choice.
  // The guest may write `page` meanwhile: what is encoded then is none of its contents, and harmless,
  // since such a page is dirty and is sent again.
  virtual std::optional<std::size_t> encode(std::span<const std::byte> page,
                                            std::span<std::byte> out) const = 0;

  // Decodes exactly page.size() bytes from `encoded`, which may be hostile: never reads or writes
  // outside its two spans. kProtocol when `encoded` is not the encoding of a page of that size.
  virtual Status decode(std::span<const std::byte> encoded, std::span<std::byte> page) const = 0;
};

// The codec with that number or name, or null. The codecs live as long as the program.
const PageCodec* find_page_codec(PageCodecId id);
const PageCodec* find_page_codec(std::string_view name);

}  // namespace pageferry
