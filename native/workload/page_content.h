// Initial page contents that can be recomputed: zero, random and text.
//
// Thread contract: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "region/guest_memory.h"
#include "workload/workload.h"

namespace pageferry {

// False for a fill that must be captured instead (file, process, image).
constexpr bool fill_is_recomputable(FillKind fill) {
  return fill == FillKind::kZero || fill == FillKind::kRandom || fill == FillKind::kText;
}

// Writes what `page` of a guest with this seed holds at first. random: words that no codec can
// shrink. text: English-like sentences from a small dictionary. `fill` is recomputable.
void render_page(FillKind fill, std::uint64_t seed, PageIndex page, std::byte* out);

}  // namespace pageferry
