#include "os/file_lock.h"

#include <sys/file.h>

namespace pageferry {

Result<bool> try_lock_file(int descriptor) {
  if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  return Status::from_errno("flock");
}

}  // namespace pageferry
