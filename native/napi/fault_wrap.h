// JavaScript classes PageServer (source) and FaultHandler (destination).
#pragma once

#include "fault/fault_handler.h"
#include "fault/page_server.h"
#include "napi/wrap.h"

namespace pageferry::napi {

class PageServerWrap : public Wrap<PageServerWrap, PageServer> {
 public:
  static constexpr const char* kName = "PageServer";
  static constexpr napi_type_tag kTag = {0x5067f001, 11};
  using Wrap::Wrap;
  static void init(Napi::Env env, Napi::Object exports);

 private:
  void compress(const Napi::CallbackInfo& info);
  Napi::Value stats(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
};

class FaultHandlerWrap : public Wrap<FaultHandlerWrap, FaultHandler> {
 public:
  static constexpr const char* kName = "FaultHandler";
  static constexpr napi_type_tag kTag = {0x5067f001, 12};
  using Wrap::Wrap;
  static void init(Napi::Env env, Napi::Object exports);

 private:
  Napi::Value stats(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
};

}  // namespace pageferry::napi
