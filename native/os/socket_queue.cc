#include "os/socket_queue.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

namespace pageferry {

std::uint64_t unacknowledged_bytes(int socket) {
  int bytes = 0;
  return ::ioctl(socket, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? static_cast<std::uint64_t>(bytes)
                                                             : 0;
}

}  // namespace pageferry
