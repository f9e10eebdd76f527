// JavaScript class Workload: a built-in guest.
#pragma once

#include "napi/wrap.h"
#include "workload/workload.h"

namespace pageferry::napi {

class WorkloadWrap : public Wrap<WorkloadWrap, Workload> {
 public:
  static constexpr const char* kName = "Workload";
  static constexpr napi_type_tag kTag = {0x5067f001, 13};
  using Wrap::Wrap;
  static void init(Napi::Env env, Napi::Object exports);

 private:
  Napi::Value description(const Napi::CallbackInfo& info);
  Napi::Value fill_summary(const Napi::CallbackInfo& info);
  Napi::Value config(const Napi::CallbackInfo& info);
  void resume(const Napi::CallbackInfo& info);
  Napi::Value resumed_at_ns(const Napi::CallbackInfo& info);
  Napi::Value pause(const Napi::CallbackInfo& info);
  Napi::Value save_state(const Napi::CallbackInfo& info);
  void load_state(const Napi::CallbackInfo& info);
  Napi::Value progress(const Napi::CallbackInfo& info);
  void start_gap_watch(const Napi::CallbackInfo& info);
  Napi::Value longest_gap_ms(const Napi::CallbackInfo& info);
  Napi::Value gap_resolution_ms(const Napi::CallbackInfo& info);
  Napi::Value gaps_around_arrival_ms(const Napi::CallbackInfo& info);
  void set_time_away(const Napi::CallbackInfo& info);
  Napi::Value verify(const Napi::CallbackInfo& info);
};

}  // namespace pageferry::napi
