#include "os/wait_for.h"

#include <poll.h>

#include <algorithm>
#include <climits>
#include <string>

namespace pageferry {

namespace {

Status wait_for(int fd, short events, const char* what, Deadline deadline) {
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - Deadline::clock::now());
    if (left.count() <= 0) return Status(StatusCode::kTimedOut, std::string(what) + ": no answer");
    pollfd waiting = {.fd = fd, .events = events, .revents = 0};
    const int most = static_cast<int>(std::min<std::int64_t>(left.count(), INT_MAX));
    const int ready = ::poll(&waiting, 1, most);
    if (ready > 0) return Status();
    if (ready < 0 && errno != EINTR) return Status::from_errno(what);
  }
}

}  // namespace

Status wait_for_input(int fd, const char* what, Deadline deadline) {
  return wait_for(fd, POLLIN, what, deadline);
}

Status wait_for_room(int fd, const char* what, Deadline deadline) {
  return wait_for(fd, POLLOUT, what, deadline);
}

}  // namespace pageferry
