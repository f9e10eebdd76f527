#include "os/awake_cores.h"

#include <fcntl.h>

#include <cstdint>

namespace pageferry {

void AwakeCores::hold() {
  if (held()) return;
  UniqueFd request(::open("/dev/cpu_dma_latency", O_WRONLY | O_CLOEXEC));
  if (!request) return;
  const std::int32_t longest_wake_up_us = 0;
  if (::write(request.get(), &longest_wake_up_us, sizeof(longest_wake_up_us)) < 0) return;
  request_ = std::move(request);
}

}  // namespace pageferry
