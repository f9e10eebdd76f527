// JavaScript class CaptureFile.
#pragma once

#include "napi/wrap.h"
#include "net/capture_file.h"

namespace pageferry::napi {

class CaptureFileWrap : public Wrap<CaptureFileWrap, CaptureFile> {
 public:
  static constexpr const char* kName = "CaptureFile";
  static constexpr napi_type_tag kTag = {0x5067f001, 16};
  using Wrap::Wrap;
  static void init(Napi::Env env, Napi::Object exports);

 private:
  void close(const Napi::CallbackInfo& info);
};

}  // namespace pageferry::napi
