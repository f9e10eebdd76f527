// The contract of the codecs that look at one page: its bytes to fewer bytes and back.
//
// A page codec is stateless and thread-safe. It knows nothing of channels, page indices, blocks or guests.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "codec/encoding.h"
#include "os/status.h"

namespace pageferry {

using PageBytes = std::span<const std::byte, kCodecPageBytes>;
using MutablePageBytes = std::span<std::byte, kCodecPageBytes>;

class PageCodec {
 public:
  virtual ~PageCodec() = default;

  virtual Encoding encoding() const = 0;
  // Whether both ways need what the page held before. Then `base` is that; otherwise nobody looks at it.
  virtual bool needs_base() const { return false; }

  // Encodes `page` into `out` and returns the encoded length, 1 <= length <= out.size(). Empty when the page does not
  // fit in out.size() bytes; what `out` holds then says nothing. Nobody writes `page` or `base` meanwhile.
  virtual std::optional<std::size_t> encode(PageBytes page, PageBytes base,
                                            std::span<std::byte> out) const = 0;

  // Decodes `encoded`, which may be hostile, into all of `page`: never reads or writes outside its spans. `base` does
  // not overlap with `page`, or is the same where the encoding decodes in place. kProtocol when `encoded` is not the encoding of a page beside that base; `page` then holds
  // anything.
  virtual Status decode(std::span<const std::byte> encoded, PageBytes base,
                        MutablePageBytes page) const = 0;
};

}  // namespace pageferry
