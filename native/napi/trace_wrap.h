// JavaScript class ProcessTrace: a process whose writes are recorded.
#pragma once

#include "napi/wrap.h"
#include "workload/process_trace.h"

namespace pageferry::napi {

class ProcessTraceWrap : public Wrap<ProcessTraceWrap, ProcessTrace> {
 public:
  static constexpr const char* kName = "ProcessTrace";
  static constexpr napi_type_tag kTag = {0x5067f001, 14};
  using Wrap::Wrap;
  static void init(Napi::Env env, Napi::Object exports);

 private:
  Napi::Value method(const Napi::CallbackInfo& info);
  Napi::Value look(const Napi::CallbackInfo& info);
};

}  // namespace pageferry::napi
