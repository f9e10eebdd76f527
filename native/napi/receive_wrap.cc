#include "napi/receive_wrap.h"

#include "napi/connection_wrap.h"
#include "napi/memory_wrap.h"

namespace pageferry::napi {

namespace {

wire::ContentSet to_contents(const Napi::Value& value) {
  if (!value.IsArray()) throw Napi::TypeError::New(value.Env(), "contents must be a list");
  const auto names = value.As<Napi::Array>();
  wire::ContentSet contents;
  for (std::uint32_t i = 0; i < names.Length(); ++i) {
    const std::string name = to_text(names.Get(i), "content");
    const wire::ContentTraits* content = wire::find_content(name);
    if (content == nullptr) {
      throw Napi::TypeError::New(value.Env(), "there is no content called " + name);
    }
    contents.add(content->id);
  }
  return contents;
}

Napi::Value create_arriving(const Napi::CallbackInfo& info) {
  return ArrivingMemoryWrap::make(info.Env(),
                                  std::make_shared<ArrivingMemory>(GuestMemoryWrap::from(info[0])));
}

// Arguments: arriving memory, channels, the contents that were accepted, what to call on failure.
Napi::Value create_receiver(const Napi::CallbackInfo& info) {
  const auto channels = to_u32(info[1], "channels");
  if (channels < 1 || channels > 64) {
    throw Napi::RangeError::New(info.Env(), "channels must be 1 to 64");
  }
  return PageReceiverWrap::make(
      info.Env(),
      std::make_shared<PageReceiver>(ArrivingMemoryWrap::from(info[0]), channels,
                                     to_contents(info[2]), failure_callback(info.Env(), info[3])));
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

void ArrivingMemoryWrap::init(Napi::Env env, Napi::Object exports) {
  define(env, {InstanceMethod("populateAhead", &ArrivingMemoryWrap::populate_ahead),
               InstanceMethod("cancelPopulating", &ArrivingMemoryWrap::cancel_populating),
               InstanceMethod("startServing", &ArrivingMemoryWrap::start_serving),
               InstanceMethod("complete", &ArrivingMemoryWrap::complete),
               InstanceAccessor("pagesMissing", &ArrivingMemoryWrap::pages_missing, nullptr)});
  export_function<create_arriving>(env, exports, "createArrivingMemory");
}

// Argument: the parts, as findDenseParts() answers them, each within the memory.
Napi::Value ArrivingMemoryWrap::populate_ahead(const Napi::CallbackInfo& info) {
  auto parts = to_page_ranges(info[0], native()->memory().page_count());
  return promise_of(info.Env(), [&, arriving = native()](std::function<void(Status)> settle) {
    arriving->populate_ahead(parts, [settle = std::move(settle)] { settle(Status()); });
  });
}

void ArrivingMemoryWrap::cancel_populating(const Napi::CallbackInfo&) {
  native()->cancel_populating();
}

// Arguments: what to call on completion, whether faults of user mode suffice.
void ArrivingMemoryWrap::start_serving(const Napi::CallbackInfo& info) {
  const Notifier complete(info.Env(), to_function(info[0], "onComplete"), false);
  const auto needed = info[1].ToBoolean() ? FaultSource::kUserMode : FaultSource::kAnyMode;
  const auto on_complete = [complete] {
    complete.call([](Napi::Env) { return std::vector<napi_value>{}; });
  };
  throw_unless_ok(info.Env(), native()->start_serving(on_complete, needed));
}

void ArrivingMemoryWrap::complete(const Napi::CallbackInfo& info) {
  throw_unless_ok(info.Env(), native()->complete());
}

Napi::Value ArrivingMemoryWrap::pages_missing(const Napi::CallbackInfo& info) {
  return from_u64(info.Env(), native()->pages_missing());
}

void PageReceiverWrap::init(Napi::Env env, Napi::Object exports) {
  define(env, {InstanceMethod("addChannel", &PageReceiverWrap::add_channel),
               InstanceMethod("waitSync", &PageReceiverWrap::wait_sync),
               InstanceMethod("hasReached", &PageReceiverWrap::has_reached),
               InstanceMethod("progress", &PageReceiverWrap::progress),
               InstanceMethod("close", &PageReceiverWrap::close)});
  export_function<create_receiver>(env, exports, "createPageReceiver");
}

void PageReceiverWrap::add_channel(const Napi::CallbackInfo& info) {
  const auto number = to_u32(info[0], "channel");
  throw_unless_ok(info.Env(), native()->add_channel(number, ConnectionWrap::take(info[1])));
}

Napi::Value PageReceiverWrap::has_reached(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), native()->has_reached(to_u64(info[0], "sync")));
}

Napi::Value PageReceiverWrap::wait_sync(const Napi::CallbackInfo& info) {
  const auto number = to_u64(info[0], "sync");
  return promise_of(info.Env(), [receiver = native(), number](std::function<void(Status)> settle) {
    receiver->when_reached(number, std::move(settle));
  });
}

Napi::Value PageReceiverWrap::progress(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Object object = Napi::Object::New(env);
  object.Set("pages", from_u64(env, native()->pages_received()));
  object.Set("duplicatePages", from_u64(env, native()->duplicate_pages()));
  object.Set("wireBytes", from_u64(env, native()->bytes_received()));
  return object;
}

void PageReceiverWrap::close(const Napi::CallbackInfo&) { native()->close(); }

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
