#include "napi/capture_wrap.h"

namespace pageferry::napi {

namespace {

// Arguments: path, side, bytes that stay free.
Napi::Value create_capture(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string side = to_text(info[1], "side");
  if (side != "source" && side != "destination") {
    throw Napi::TypeError::New(env, "there is no side called " + side);
  }
  return CaptureFileWrap::make(
      env,
      value_or_throw(env, CaptureFile::create(to_text(info[0], "path"),
                                              side == "source" ? CaptureFile::Side::kSource
                                                               : CaptureFile::Side::kDestination,
                                              to_u64(info[2], "reserve"))));
}

}  // namespace

void CaptureFileWrap::init(Napi::Env env, Napi::Object exports) {
  define(env, {InstanceMethod("close", &CaptureFileWrap::close)});
  export_function<create_capture>(env, exports, "createCapture");
}

void CaptureFileWrap::close(const Napi::CallbackInfo& info) {
  throw_unless_ok(info.Env(), native()->close());
}

}  // namespace pageferry::napi
