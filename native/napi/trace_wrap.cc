#include "napi/trace_wrap.h"

namespace pageferry::napi {

namespace {

using Started = std::shared_ptr<ProcessTrace>;

Napi::Value start(const Napi::CallbackInfo& info) {
  return async_call<Started>(
      info.Env(),
      [pid = to_u32(info[0], "pid")]() -> Result<Started> {
        auto started = ProcessTrace::start(static_cast<int>(pid));
        if (!started.ok()) return started.status();
        return Started(std::move(started.value()));
      },
      [](Napi::Env env, Started& started) -> Napi::Value {
        return ProcessTraceWrap::make(env, started);
      });
}

}  // namespace

void ProcessTraceWrap::init(Napi::Env env, Napi::Object exports) {
  define(env, {InstanceAccessor("method", &ProcessTraceWrap::method, nullptr),
               InstanceMethod("look", &ProcessTraceWrap::look)});
  export_function<start>(env, exports, "startProcessTrace");
}

Napi::Value ProcessTraceWrap::method(const Napi::CallbackInfo& info) {
  const bool soft_dirty = native()->method() == TraceMethod::kSoftDirty;
  return Napi::String::New(info.Env(), soft_dirty ? "soft-dirty" : "digest");
}

// Answers the runs as pairs of first page and length.
Napi::Value ProcessTraceWrap::look(const Napi::CallbackInfo& info) {
  return async_call<ProcessTrace::Look>(
      info.Env(), [trace = native()] { return trace->look(); },
      [](Napi::Env env, ProcessTrace::Look& look) -> Napi::Value {
        Napi::Uint32Array runs = Napi::Uint32Array::New(env, 2 * look.written.size());
        for (std::size_t i = 0; i < look.written.size(); ++i) {
          runs[2 * i] = static_cast<std::uint32_t>(look.written[i].first);
          runs[2 * i + 1] = static_cast<std::uint32_t>(look.written[i].count);
        }
        Napi::Object object = Napi::Object::New(env);
        object.Set("runs", runs);
        object.Set("pages", from_u64(env, look.page_count));
        return object;
      });
}

}  // namespace pageferry::napi
