#include "os/awake_cores.h"

#include <fcntl.h>

#include <cstdint>

namespace pageferry {

void AwakeCores::hold() {
  if (held() || refused_) return;
  UniqueFd request(::open("/dev/cpu_dma_latency", O_WRONLY | O_CLOEXEC));
  const std::int32_t longest_wake_up_us = 0;
  refused_ =
      !request || ::write(request.get(), &longest_wake_up_us, sizeof(longest_wake_up_us)) < 0;
  if (!refused_) request_ = std::move(request);
}

}  // namespace pageferry
