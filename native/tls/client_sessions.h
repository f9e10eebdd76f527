// The last session with each server, so that only the first of many channels costs a full handshake.
//
// Thread contract: any thread.
#pragma once

#include <map>
#include <string>

#include "crypto/openssl_ptr.h"
#include "os/mutex.h"

namespace pageferry {

class ClientSessions {
 public:
  // Null when there is none. Each caller has a copy of its own, because OpenSSL changes a session that a connection
  // uses, and marks it as spent when the connection fails.
  OpensslPtr<SSL_SESSION> find(const std::string& server) const EXCLUDES(mutex_);
  void keep(const std::string& server, SSL_SESSION* session) EXCLUDES(mutex_);
  void forget(const std::string& server) EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  std::map<std::string, OpensslPtr<SSL_SESSION>> by_server_ GUARDED_BY(mutex_);
};

}  // namespace pageferry
