// Credentials that can be replaced while connections stand: their files are read again, and connections that begin
// later use what was in them.
//
// Thread contract: any thread.
#pragma once

#include <memory>

#include "os/mutex.h"
#include "tls/tls_credentials.h"

namespace pageferry {

class TlsCredentialsStore {
 public:
  static Result<std::unique_ptr<TlsCredentialsStore>> open(TlsFiles files);

  TlsCredentialsPtr current() const EXCLUDES(mutex_);
  // Where the new files are not good, the old credentials stay in use, and the Status says what is wrong. Sessions
  // of the old ones are not resumed: whoever has been revoked meets the new list at his next connection.
  Status reload() EXCLUDES(mutex_);

 private:
  TlsCredentialsStore(TlsFiles files, TlsCredentialsPtr first);

  const TlsFiles files_;
  mutable Mutex mutex_;
  TlsCredentialsPtr current_ GUARDED_BY(mutex_);
};

}  // namespace pageferry
