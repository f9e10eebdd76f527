// OpenSSL's queue of errors belongs to the thread, not to the call: an error that one call leaves there would be
// taken for the next one's.
#pragma once

#include <string>

namespace pageferry {

// The queue is empty when this begins and when it ends. On the stack, around calls of OpenSSL.
class ErrorQueue {
 public:
  ErrorQueue();
  ~ErrorQueue();
  ErrorQueue(const ErrorQueue&) = delete;
  ErrorQueue& operator=(const ErrorQueue&) = delete;

  // OpenSSL's own words for the first error, the one that caused the others.
  std::string text() const;
  // Of the first error: its number within OpenSSL's TLS code (SSL_R_…), or 0 when it is not from there.
  int tls_code() const;
  // True when the last call has read PEM and found no more of it.
  bool at_end_of_pem() const;
};

}  // namespace pageferry
