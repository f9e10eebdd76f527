#include "napi/shared_window.h"

#include <v8.h>

#include <cstring>
#include <utility>

namespace pageferry::napi {

namespace {

#if !defined(V8_ENABLE_SANDBOX)

// The last thread that had the buffer may be any thread.
void let_go(void*, std::size_t, void* holder) {
  delete static_cast<std::shared_ptr<GuestMemory>*>(holder);
}

// Node's own definition of napi_value: a local handle, bit for bit.
napi_value to_napi(v8::Local<v8::SharedArrayBuffer> local) {
  napi_value value = nullptr;
  static_assert(sizeof(napi_value) == sizeof(local));
  std::memcpy(&value, static_cast<const void*>(&local), sizeof(local));
  return value;
}

#endif

}  // namespace

Napi::Value make_shared_window(Napi::Env env, std::shared_ptr<GuestMemory> memory, void* data,
                               std::size_t bytes) {
#if defined(V8_ENABLE_SANDBOX)
  static_cast<void>(memory);
  static_cast<void>(data);
  static_cast<void>(bytes);
  throw Napi::Error::New(
      env, "this JavaScript engine was built to take no memory of others (V8's sandbox)");
#else
  auto* holder = new std::shared_ptr<GuestMemory>(std::move(memory));
  std::shared_ptr<v8::BackingStore> store =
      v8::SharedArrayBuffer::NewBackingStore(data, bytes, let_go, holder);
  const auto buffer = v8::SharedArrayBuffer::New(v8::Isolate::GetCurrent(), std::move(store));
  return Napi::Value(env, to_napi(buffer));
#endif
}

}  // namespace pageferry::napi
