#include "os/status.h"

#include <cstring>

namespace pageferry {

namespace {

StatusCode code_for(int system_error) {
  switch (system_error) {
    case EPERM:
    case EACCES:
      return StatusCode::kNoPermission;
    case ENOMEM:
      return StatusCode::kNoMemory;
    case ENOSYS:
    case EOPNOTSUPP:
      return StatusCode::kUnsupported;
    case EPIPE:
    case ECONNRESET:
      return StatusCode::kPeerClosed;
    default:
      return StatusCode::kSystem;
  }
}

}  // namespace

Status Status::from_errno(std::string what, int system_error) {
  what += ": ";
  what += strerrordesc_np(system_error);
  return Status(code_for(system_error), std::move(what), system_error);
}

}  // namespace pageferry
