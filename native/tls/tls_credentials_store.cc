#include "tls/tls_credentials_store.h"

#include <utility>

namespace pageferry {

Result<std::unique_ptr<TlsCredentialsStore>> TlsCredentialsStore::open(TlsFiles files) {
  auto first = TlsCredentials::load(files);
  if (!first.ok()) return first.status();
  return std::unique_ptr<TlsCredentialsStore>(
      new TlsCredentialsStore(std::move(files), std::move(first.value())));
}

TlsCredentialsStore::TlsCredentialsStore(TlsFiles files, TlsCredentialsPtr first)
    : files_(std::move(files)), current_(std::move(first)) {}

TlsCredentialsPtr TlsCredentialsStore::current() const {
  const MutexLock lock(mutex_);
  return current_;
}

Status TlsCredentialsStore::reload() {
  auto loaded = TlsCredentials::load(files_);
  if (!loaded.ok()) return loaded.status();
  const MutexLock lock(mutex_);
  current_ = std::move(loaded.value());
  return Status();
}

}  // namespace pageferry
