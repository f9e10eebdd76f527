#include "tls/client_sessions.h"

namespace pageferry {

namespace {

// More servers than one source speaks with.
constexpr std::size_t kMostServers = 64;

OpensslPtr<SSL_SESSION> copy_of(SSL_SESSION* session) {
  return OpensslPtr<SSL_SESSION>(::SSL_SESSION_dup(session));
}

}  // namespace

OpensslPtr<SSL_SESSION> ClientSessions::find(const std::string& server) const {
  const MutexLock lock(mutex_);
  const auto found = by_server_.find(server);
  return found == by_server_.end() ? nullptr : copy_of(found->second.get());
}

void ClientSessions::keep(const std::string& server, SSL_SESSION* session) {
  OpensslPtr<SSL_SESSION> copy = copy_of(session);
  if (!copy) return;
  const MutexLock lock(mutex_);
  if (by_server_.size() >= kMostServers) by_server_.clear();
  by_server_[server] = std::move(copy);
}

void ClientSessions::forget(const std::string& server) {
  const MutexLock lock(mutex_);
  by_server_.erase(server);
}

}  // namespace pageferry
