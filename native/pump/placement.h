// On which cores the threads that copy pages run: the one that sends a page channel and the one that
// receives it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "os/core_affinity.h"

namespace pageferry {

enum class Placement : std::uint8_t {
  kFree,    // wherever the kernel puts them
  kPaired,  // both threads of a channel on one core, the channels spread over all cores
};

// Places the calling thread, which copies for page channel `channel`, for as long as the answer lives.
inline std::optional<CoreAffinity> place_copying_thread(Placement placement, std::size_t channel) {
  if (placement == Placement::kFree) return std::nullopt;
  return std::optional<CoreAffinity>(std::in_place, channel);
}

}  // namespace pageferry
