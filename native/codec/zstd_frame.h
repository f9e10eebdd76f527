// What a zstd frame must be before the library sees it (docs/encodings.md, "zstd"). The library alone would take much
// more: several frames one behind the other, a header with any flags, blocks of 2 MiB.
//
// Thread contract: any thread.
#pragma once

#include <cstddef>
#include <span>

#include "os/status.h"

namespace pageferry {

// The base-2 logarithm of the window of a frame: the least power of two that holds `bytes`, from 1024 bytes on.
int zstd_window_log(std::size_t bytes);

// Whether `encoded` is one frame from its first to its last byte, with the header that is allowed where its window must
// hold `window_bytes`, and with no block beyond the largest. What is in its blocks is not looked at. Otherwise kProtocol.
// Takes time in proportion to `encoded`.
Status check_zstd_frame(std::span<const std::byte> encoded, std::size_t window_bytes);

}  // namespace pageferry
