// What a rung costs on this machine.
//
// Thread contract: any thread.
#pragma once

#include <cstddef>
#include <span>

#include "send/effort.h"

namespace pageferry {

// Nanoseconds of one core to encode a page by this rung, whose method is kBlocks: for each block of `sample`, which is whole
// pages, the least time that this thread ran for it in a few passes. The cost is kept for later migrations, so a machine that
// is busy now must not count. Encoders take the same time for the
// same bytes, so a sample of another program's pages tells how rungs compare here, and not what they cost for a guest.
double nanoseconds_a_page(const Rung& rung, std::span<const std::byte> sample);

}  // namespace pageferry
