// Writes a guest's initial content and its appendix, through the guest mapping.
//
// Thread contract: call before the guest's first operation, from any one thread; fill() runs its
// own helpers.
#pragma once

#include <string>

#include "image/image_file.h"
#include "os/status.h"
#include "region/guest_memory.h"
#include "workload/guest_layout.h"

namespace pageferry {

struct FillOutcome {
  std::uint64_t appendix_hash = 0;  // 0 without an appendix
  std::string summary;              // what was done, for people
};

// zero touches no hole. On failure the memory holds anything.
// `trace`: as long as the layout says. `image`: for kImage, with contents that have been checked.
Result<FillOutcome> fill(const GuestMemory& memory, const GuestLayout& layout,
                         const Trace& trace = {}, const ImageFile* image = nullptr);

}  // namespace pageferry
