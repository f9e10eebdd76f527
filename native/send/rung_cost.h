// What a rung costs on this machine.
//
// Thread contract: any thread.
#pragma once

#include <cstddef>
#include <span>

#include "send/effort.h"

namespace pageferry {

// Nanoseconds of one core to encode a page by this rung, whose method is kBlocks: the least of a few passes over `sample`,
// which is whole pages, so that what else ran meanwhile counts as little as can be. Encoders take the same time for the
// same bytes, so a sample of another program's pages tells how rungs compare here, and not what they cost for a guest.
double nanoseconds_a_page(const Rung& rung, std::span<const std::byte> sample);

}  // namespace pageferry
