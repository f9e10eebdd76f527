// JavaScript classes ArrivingMemory, PageReceiver and FaultHandler: the destination's.
#pragma once

#include "napi/wrap.h"
#include "receive/fault_handler.h"
#include "receive/page_receiver.h"
#include "region/arriving_memory.h"

namespace pageferry::napi {

class ArrivingMemoryWrap : public Wrap<ArrivingMemoryWrap, ArrivingMemory> {
 public:
  static constexpr const char* kName = "ArrivingMemory";
  static constexpr napi_type_tag kTag = {0x5067f001, 9};
  using Wrap::Wrap;
  static void init(Napi::Env env, Napi::Object exports);

 private:
  Napi::Value populate_ahead(const Napi::CallbackInfo& info);
  void cancel_populating(const Napi::CallbackInfo& info);
  void start_serving(const Napi::CallbackInfo& info);
  void complete(const Napi::CallbackInfo& info);
  Napi::Value pages_missing(const Napi::CallbackInfo& info);
};

class PageReceiverWrap : public Wrap<PageReceiverWrap, PageReceiver> {
 public:
  static constexpr const char* kName = "PageReceiver";
  static constexpr napi_type_tag kTag = {0x5067f001, 10};
  using Wrap::Wrap;
  static void init(Napi::Env env, Napi::Object exports);

 private:
  void add_channel(const Napi::CallbackInfo& info);
  Napi::Value has_reached(const Napi::CallbackInfo& info);
  Napi::Value wait_sync(const Napi::CallbackInfo& info);
  Napi::Value progress(const Napi::CallbackInfo& info);
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
