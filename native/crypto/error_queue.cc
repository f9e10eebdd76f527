#include "crypto/error_queue.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <utility>

namespace pageferry {

namespace {

// To clear a queue that is empty takes OpenSSL as long as to encrypt a page.
void empty_queue() {
  if (::ERR_peek_error() != 0) ::ERR_clear_error();
}

}  // namespace

ErrorQueue::ErrorQueue() { empty_queue(); }

ErrorQueue::~ErrorQueue() { empty_queue(); }

int ErrorQueue::tls_code() const {
  const unsigned long error = ::ERR_peek_error();
  return ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
}

bool ErrorQueue::at_end_of_pem() const {
  const unsigned long error = ::ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

Status openssl_failure(StatusCode code, std::string what) {
  const unsigned long error = ::ERR_peek_error();
  if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE) code = StatusCode::kNoMemory;
  if (const char* reason = ::ERR_reason_error_string(error); reason != nullptr) {
    what += ": ";
    what += reason;
  }
  return Status(code, std::move(what));
}

}  // namespace pageferry
