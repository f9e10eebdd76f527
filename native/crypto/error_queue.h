// OpenSSL's queue of errors belongs to the thread, not to the call, and Node uses it too: an error that one call leaves
// there would be taken for the next one's. So whoever calls OpenSSL holds an ErrorQueue meanwhile, on the stack.
#pragma once

#include <string>

#include "os/status.h"

namespace pageferry {

// The queue is empty when this begins and when it ends. What it loses is nobody's: whoever wants the error of a call
// asks for it right after that call.
class ErrorQueue {
 public:
  ErrorQueue();
  ~ErrorQueue();
  ErrorQueue(const ErrorQueue&) = delete;
  ErrorQueue& operator=(const ErrorQueue&) = delete;

  // Of the first error: its number within OpenSSL's TLS code (SSL_R_…), or 0 when it is not from there.
  int tls_code() const;
  // True when the last call has read PEM and found no more of it.
  bool at_end_of_pem() const;
};

// For a call that has just failed, while an ErrorQueue is held: `what`, and OpenSSL's own words for the first error, the
// one that caused the others. kNoMemory where that is it.
Status openssl_failure(StatusCode code, std::string what);

}  // namespace pageferry
