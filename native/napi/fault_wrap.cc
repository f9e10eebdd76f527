#include "napi/fault_wrap.h"

#include "napi/connection_wrap.h"
#include "napi/memory_wrap.h"
#include "napi/pump_wrap.h"

namespace pageferry::napi {

namespace {

Napi::Value start_page_server(const Napi::CallbackInfo& info) {
  auto server = value_or_throw(
      info.Env(), PageServer::start(GuestMemoryWrap::from(info[0]), ResidualSetWrap::from(info[1]),
                                    TokenBucketWrap::from(info[2]), ConnectionWrap::take(info[3]),
                                    failure_callback(info.Env(), info[4])));
  return PageServerWrap::make(info.Env(), std::move(server));
}

Napi::Value start_fault_handler(const Napi::CallbackInfo& info) {
  auto handler = value_or_throw(
      info.Env(),
      FaultHandler::start(ArrivingMemoryWrap::from(info[0]), ConnectionWrap::take(info[1]),
                          to_contents(info[2]), failure_callback(info.Env(), info[3])));
  return FaultHandlerWrap::make(info.Env(), std::move(handler));
}

Napi::Value microseconds(Napi::Env env, std::uint64_t nanoseconds) {
  return Napi::Number::New(env, static_cast<double>(nanoseconds) / 1e3);
}

}  // namespace

void PageServerWrap::init(Napi::Env env, Napi::Object exports) {
  define(env, {InstanceMethod("compress", &PageServerWrap::compress),
               InstanceMethod("stats", &PageServerWrap::stats),
               InstanceMethod("close", &PageServerWrap::close)});
  export_function<start_page_server>(env, exports, "startPageServer");
}

void PageServerWrap::compress(const Napi::CallbackInfo& info) {
  native()->compress(info[0].ToBoolean());
}

Napi::Value PageServerWrap::stats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Object object = Napi::Object::New(env);
  object.Set("pages", from_u64(env, native()->pages_served()));
  object.Set("pagesZero", from_u64(env, native()->zero_pages_served()));
  object.Set("pagesLz4", from_u64(env, native()->lz4_pages_served()));
  object.Set("wireBytes", from_u64(env, native()->wire_bytes()));
  return object;
}

void PageServerWrap::close(const Napi::CallbackInfo&) { native()->close(); }

void FaultHandlerWrap::init(Napi::Env env, Napi::Object exports) {
  define(env, {InstanceMethod("stats", &FaultHandlerWrap::stats),
               InstanceMethod("close", &FaultHandlerWrap::close)});
  export_function<start_fault_handler>(env, exports, "startFaultHandler");
}

Napi::Value FaultHandlerWrap::stats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const LatencyHistogram& latency = native()->latency();
  Napi::Object latencies = Napi::Object::New(env);
  latencies.Set("p50", microseconds(env, latency.percentile(0.5)));
  latencies.Set("p99", microseconds(env, latency.percentile(0.99)));
  latencies.Set("p999", microseconds(env, latency.percentile(0.999)));
  latencies.Set("max", microseconds(env, latency.max()));
  Napi::Object object = Napi::Object::New(env);
  object.Set("demandFaults", from_u64(env, native()->faults()));
  object.Set("demandFaultsOverNetwork", from_u64(env, native()->faults_over_network()));
  object.Set("duplicatePages", from_u64(env, native()->duplicate_pages()));
  object.Set("faultLatencyUs", latencies);
  return object;
}

void FaultHandlerWrap::close(const Napi::CallbackInfo&) { native()->close(); }

}  // namespace pageferry::napi
