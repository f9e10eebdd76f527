#include "os/contained.h"

#include <exception>
#include <new>
#include <stdexcept>
#include <system_error>

namespace pageferry {

Status status_of_exception() noexcept {
  // So short that the text needs no memory, for there may be none.
  static constexpr const char* kNoMemoryText = "out of memory";
  try {
    try {
      throw;
    } catch (const std::bad_alloc&) {
      return Status(StatusCode::kNoMemory, kNoMemoryText);
    } catch (const std::length_error&) {  // More than any memory holds.
      return Status(StatusCode::kNoMemory, kNoMemoryText);
    } catch (const std::system_error& error) {
      return Status::from_errno(error.what(), error.code().value());
    } catch (const std::exception& error) {
      return Status(StatusCode::kSystem, error.what());
    }
  } catch (...) {
    return Status(StatusCode::kNoMemory, kNoMemoryText);
  }
}

}  // namespace pageferry
