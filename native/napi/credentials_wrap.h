// JavaScript class Credentials: what this side proves itself with, and what it asks of the other.
#pragma once

#include "napi/wrap.h"
#include "tls/tls_credentials_store.h"

namespace pageferry::napi {

class CredentialsWrap : public Wrap<CredentialsWrap, TlsCredentialsStore> {
 public:
  static constexpr const char* kName = "Credentials";
  static constexpr napi_type_tag kTag = {0x5067f001, 16};
  using Wrap::Wrap;
  static void init(Napi::Env env, Napi::Object exports);

 private:
  void reload(const Napi::CallbackInfo& info);
};

}  // namespace pageferry::napi
