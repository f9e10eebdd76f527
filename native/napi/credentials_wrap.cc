#include "napi/credentials_wrap.h"

namespace pageferry::napi {

namespace {

std::vector<std::string> to_texts(const Napi::Value& value, const char* name) {
  if (!value.IsArray()) throw Napi::TypeError::New(value.Env(), std::string(name) + " is a list");
  const auto list = value.As<Napi::Array>();
  std::vector<std::string> texts;
  for (std::uint32_t i = 0; i < list.Length(); ++i) texts.push_back(to_text(list.Get(i), name));
  return texts;
}

TlsFiles to_files(const Napi::Value& value) {
  if (!value.IsObject()) throw Napi::TypeError::New(value.Env(), "credentials must be an object");
  const auto object = value.As<Napi::Object>();
  if (object.Has("preSharedKey")) {
    return PreSharedKeyFile{to_text(object.Get("preSharedKey"), "preSharedKey")};
  }
  CertificateFiles files = {.certificate = to_text(object.Get("certificate"), "certificate"),
                            .key = to_text(object.Get("key"), "key"),
                            .ca = to_text(object.Get("ca"), "ca"),
                            .crl = std::nullopt,
                            .allowed_peers = {}};
  if (object.Has("crl")) files.crl = to_text(object.Get("crl"), "crl");
  if (object.Has("allowedPeers")) {
    files.allowed_peers = to_texts(object.Get("allowedPeers"), "allowedPeers");
  }
  return files;
}

Napi::Value open_credentials(const Napi::CallbackInfo& info) {
  auto store = value_or_throw(info.Env(), TlsCredentialsStore::open(to_files(info[0])));
  return CredentialsWrap::make(info.Env(), std::move(store));
}

}  // namespace

void CredentialsWrap::init(Napi::Env env, Napi::Object exports) {
  define(env, {InstanceMethod("reload", &CredentialsWrap::reload)});
  export_function<open_credentials>(env, exports, "openCredentials");
}

void CredentialsWrap::reload(const Napi::CallbackInfo& info) {
  throw_unless_ok(info.Env(), native()->reload());
}

}  // namespace pageferry::napi
