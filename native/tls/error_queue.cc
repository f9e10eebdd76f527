#include "tls/error_queue.h"

#include <openssl/err.h>
#include <openssl/pem.h>

namespace pageferry {

namespace {

// To clear a queue that is empty takes OpenSSL as long as to encrypt a page.
void empty_queue() {
  if (::ERR_peek_error() != 0) ::ERR_clear_error();
}

}  // namespace

ErrorQueue::ErrorQueue() { empty_queue(); }

ErrorQueue::~ErrorQueue() { empty_queue(); }

std::string ErrorQueue::text() const {
  const unsigned long error = ::ERR_peek_error();
  const char* reason = error == 0 ? nullptr : ::ERR_reason_error_string(error);
  return reason == nullptr ? "no reason given" : reason;
}

int ErrorQueue::tls_code() const {
  const unsigned long error = ::ERR_peek_error();
  return ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
}

bool ErrorQueue::at_end_of_pem() const {
  const unsigned long error = ::ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

}  // namespace pageferry
