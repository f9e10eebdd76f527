// JavaScript class ProcessImage: a process whose memory is written to a file.
#pragma once

#include "napi/wrap.h"
#include "workload/process_image.h"

namespace pageferry::napi {

class ProcessImageWrap : public Wrap<ProcessImageWrap, ProcessImage> {
 public:
  static constexpr const char* kName = "ProcessImage";
  static constexpr napi_type_tag kTag = {0x5067f001, 18};
  using Wrap::Wrap;
  static void init(Napi::Env env, Napi::Object exports);

 private:
  Napi::Value begin_snapshot(const Napi::CallbackInfo& info);
  Napi::Value step(const Napi::CallbackInfo& info);
  void drop_snapshot(const Napi::CallbackInfo& info);
  Napi::Value finish(const Napi::CallbackInfo& info);
};

}  // namespace pageferry::napi
