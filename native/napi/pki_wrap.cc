#include "napi/pki_wrap.h"

#include <vector>

#include "napi/wrap.h"
#include "os/file_lock.h"
#include "pki/certificate.h"
#include "pki/revocation_list.h"

namespace pageferry::napi {

namespace {

Napi::Object to_object(const Napi::Value& value, const char* name) {
  if (!value.IsObject())
    throw Napi::TypeError::New(value.Env(), std::string(name) + " must be an object");
  return value.As<Napi::Object>();
}

Napi::Array to_array(const Napi::Value& value, const char* name) {
  if (!value.IsArray())
    throw Napi::TypeError::New(value.Env(), std::string(name) + " must be an array");
  return value.As<Napi::Array>();
}

// Below 2^53, so that it is no less than 0 as a signed number.
std::int64_t to_time(const Napi::Value& value, const char* name) {
  return static_cast<std::int64_t>(to_u64(value, name));
}

pki::Credential to_credential(const Napi::Value& value) {
  const Napi::Object object = to_object(value, "authority");
  return {to_text(object.Get("certificate"), "certificate"), to_text(object.Get("key"), "key")};
}

Napi::Value from_credential(Napi::Env env, const pki::Credential& credential) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("certificate", credential.certificate);
  object.Set("key", credential.key);
  return object;
}

pki::Validity to_validity(const Napi::Value& value) {
  const Napi::Object object = to_object(value, "validity");
  return {to_time(object.Get("begin"), "begin"), to_time(object.Get("end"), "end")};
}

pki::RevocationList to_list(const Napi::Value& value) {
  const Napi::Object object = to_object(value, "list");
  pki::RevocationList list;
  list.number = to_u64(object.Get("number"), "number");
  const Napi::Array revoked = to_array(object.Get("revoked"), "revoked");
  for (std::uint32_t at = 0; at < revoked.Length(); ++at) {
    const Napi::Object item = to_object(revoked.Get(at), "revoked");
    list.revoked.push_back({to_text(item.Get("serial"), "serial"), to_time(item.Get("at"), "at")});
  }
  return list;
}

Napi::Value from_list(Napi::Env env, const pki::RevocationList& list) {
  Napi::Array revoked = Napi::Array::New(env, list.revoked.size());
  for (std::uint32_t at = 0; at < list.revoked.size(); ++at) {
    Napi::Object item = Napi::Object::New(env);
    item.Set("serial", list.revoked[at].serial);
    item.Set("at", Napi::Number::New(env, static_cast<double>(list.revoked[at].at)));
    revoked.Set(at, item);
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("number", from_u64(env, list.number));
  object.Set("revoked", revoked);
  return object;
}

// Arguments: name, validity.
Napi::Value create_authority(const Napi::CallbackInfo& info) {
  return from_credential(info.Env(),
                         value_or_throw(info.Env(), pki::create_authority(to_text(info[0], "name"),
                                                                          to_validity(info[1]))));
}

// Arguments: authority, names, validity.
Napi::Value issue_certificate(const Napi::CallbackInfo& info) {
  const Napi::Array array = to_array(info[1], "names");
  std::vector<std::string> names;
  for (std::uint32_t at = 0; at < array.Length(); ++at) {
    names.push_back(to_text(array.Get(at), "name"));
  }
  return from_credential(
      info.Env(), value_or_throw(info.Env(), pki::issue_certificate(to_credential(info[0]), names,
                                                                    to_validity(info[2]))));
}

// Arguments: authority, list, validity.
Napi::Value sign_revocation_list(const Napi::CallbackInfo& info) {
  return Napi::String::New(
      info.Env(),
      value_or_throw(info.Env(), pki::sign_revocation_list(to_credential(info[0]), to_list(info[1]),
                                                           to_validity(info[2]))));
}

// Arguments: the authority's certificate, the list.
Napi::Value read_revocation_list(const Napi::CallbackInfo& info) {
  return from_list(info.Env(), value_or_throw(info.Env(), pki::read_revocation_list(
                                                              to_text(info[0], "certificate"),
                                                              to_text(info[1], "list"))));
}

// Argument: a descriptor.
Napi::Value try_lock(const Napi::CallbackInfo& info) {
  const auto descriptor = static_cast<int>(to_u32(info[0], "descriptor"));
  return Napi::Boolean::New(info.Env(), value_or_throw(info.Env(), try_lock_file(descriptor)));
}

}  // namespace

void init_pki(Napi::Env env, Napi::Object exports) {
  export_function<create_authority>(env, exports, "createAuthority");
  export_function<issue_certificate>(env, exports, "issueCertificate");
  export_function<sign_revocation_list>(env, exports, "signRevocationList");
  export_function<read_revocation_list>(env, exports, "readRevocationList");
  export_function<try_lock>(env, exports, "tryLockFile");
}

}  // namespace pageferry::napi
