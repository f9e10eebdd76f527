#include "os/nice.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace pageferry {

// On Linux 0 means the calling thread, and not its process.
void be_nice(int nice) {
  errno = 0;
  const int now = ::getpriority(PRIO_PROCESS, 0);
  if (errno == 0) ::setpriority(PRIO_PROCESS, 0, std::max(now, nice));
}

}  // namespace pageferry
