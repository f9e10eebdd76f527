#include "napi/workload_wrap.h"

#include <algorithm>
#include <array>

#include "napi/inspect_wrap.h"
#include "napi/memory_wrap.h"
#include "workload/appendix.h"

namespace pageferry::napi {

namespace {

constexpr std::array<std::pair<const char*, WorkloadKind>, 9> kKinds = {{
    {"idle", WorkloadKind::kIdle},
    {"sequential", WorkloadKind::kSequential},
    {"uniform", WorkloadKind::kUniform},
    {"hotset", WorkloadKind::kHotset},
    {"zipf", WorkloadKind::kZipf},
    {"phased", WorkloadKind::kPhased},
    {"kv", WorkloadKind::kKv},
    {"trace", WorkloadKind::kTrace},
    {"snapshots", WorkloadKind::kSnapshots},
}};

constexpr std::array<std::pair<const char*, FillKind>, 6> kFills = {{
    {"zero", FillKind::kZero},
    {"random", FillKind::kRandom},
    {"text", FillKind::kText},
    {"file", FillKind::kFile},
    {"process", FillKind::kProcess},
    {"image", FillKind::kImage},
}};

bool is_typed(const Napi::Value& value, napi_typedarray_type type) {
  return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == type;
}

template <class Kind, std::size_t size>
Kind by_name(const std::array<std::pair<const char*, Kind>, size>& table, const Napi::Value& value,
             const char* what) {
  const std::string name = to_text(value, what);
  for (const auto& [known, kind] : table) {
    if (name == known) return kind;
  }
  throw Napi::TypeError::New(value.Env(), std::string("there is no ") + what + " called " + name);
}

template <class Kind, std::size_t size>
const char* name_in(const std::array<std::pair<const char*, Kind>, size>& table, Kind wanted) {
  for (const auto& [name, kind] : table) {
    if (kind == wanted) return name;
  }
  return "";
}

WorkloadConfig to_config(const Napi::Value& value) {
  if (!value.IsObject()) throw Napi::TypeError::New(value.Env(), "config must be an object");
  const auto object = value.As<Napi::Object>();
  WorkloadConfig config;
  config.kind = by_name(kKinds, object.Get("workload"), "workload");
  config.working_set_bytes = to_u64(object.Get("workingSetBytes"), "workingSetBytes");
  config.writes_per_second = to_u64(object.Get("writesPerSecond"), "writesPerSecond");
  config.write_bytes = to_u32(object.Get("writeBytes"), "writeBytes");
  config.threads = to_u32(object.Get("threads"), "threads");
  config.seed = to_u64(object.Get("seed"), "seed");
  config.fill = by_name(kFills, object.Get("fill"), "fill");
  if (config.fill == FillKind::kFile || config.fill == FillKind::kImage) {
    config.fill_path = to_text(object.Get("path"), "path");
  }
  if (config.fill == FillKind::kProcess) {
    config.fill_pid = static_cast<int>(to_u32(object.Get("pid"), "pid"));
  }
  return config;
}

// {pages, intervals: pairs of end in nanoseconds and writes up to then, writes: pages}; or undefined. What it
// says is checked, because a guest would write where it says.
Trace to_trace(const Napi::Value& value) {
  if (value.IsUndefined()) return {};
  if (!value.IsObject()) throw Napi::TypeError::New(value.Env(), "trace must be an object");
  const auto object = value.As<Napi::Object>();
  const Napi::Value intervals = object.Get("intervals");
  const Napi::Value writes = object.Get("writes");
  if (!is_typed(intervals, napi_float64_array) || !is_typed(writes, napi_uint32_array)) {
    throw Napi::TypeError::New(value.Env(),
                               "trace must have a Float64Array and a Uint32Array in it");
  }
  const auto ends = intervals.As<Napi::Float64Array>();
  const auto pages = writes.As<Napi::Uint32Array>();
  Trace trace{to_u64(object.Get("pages"), "pages"), {}, {}};
  for (std::size_t i = 0; i + 1 < ends.ElementLength(); i += 2) {
    const TraceInterval before = trace.intervals.empty() ? TraceInterval{} : trace.intervals.back();
    if (!(ends[i] >= static_cast<double>(before.end_ns) && ends[i] < 1e18) ||
        !(ends[i + 1] >= static_cast<double>(before.end_write) &&
          ends[i + 1] <= static_cast<double>(pages.ElementLength()))) {
      throw Napi::RangeError::New(value.Env(), "the intervals of a trace must ascend");
    }
    trace.intervals.push_back(
        {static_cast<std::uint64_t>(ends[i]), static_cast<std::uint64_t>(ends[i + 1])});
  }
  trace.writes.assign(pages.Data(), pages.Data() + pages.ElementLength());
  const bool within = std::all_of(trace.writes.begin(), trace.writes.end(),
                                  [&](std::uint32_t page) { return page < trace.page_count; });
  if (!within ||
      (trace.intervals.empty() ? 0 : trace.intervals.back().end_write) != trace.writes.size()) {
    throw Napi::RangeError::New(value.Env(), "a trace must write its own pages");
  }
  return trace;
}

PageSample to_sample(const Napi::Value& value) {
  if (!value.IsObject()) throw Napi::TypeError::New(value.Env(), "sample must be an object");
  const auto object = value.As<Napi::Object>();
  return {to_u64(object.Get("pages"), "pages"), to_u64(object.Get("seed"), "seed")};
}

using Made = std::shared_ptr<Workload>;

Napi::Value from_made(Napi::Env env, Made& made) { return WorkloadWrap::make(env, made); }

Napi::Value create(const Napi::CallbackInfo& info) {
  return async_call<Made>(
      info.Env(),
      [memory = GuestMemoryWrap::from(info[0]), config = to_config(info[1]),
       trace = to_trace(info[2])]() -> Result<Made> {
        auto made = Workload::create(memory, config, trace);
        if (!made.ok()) return made.status();
        return Made(std::move(made.value()));
      },
      from_made);
}

std::vector<SharedImage> to_images(const Napi::Value& value) {
  if (!value.IsArray()) throw Napi::TypeError::New(value.Env(), "images must be a list");
  const auto list = value.As<Napi::Array>();
  std::vector<SharedImage> images;
  for (std::uint32_t i = 0; i < list.Length(); ++i) images.push_back(ImageWrap::from(list.Get(i)));
  return images;
}

Napi::Value arrive(const Napi::CallbackInfo& info) {
  return async_call<Made>(
      info.Env(),
      [memory = GuestMemoryWrap::from(info[0]), description = to_bytes(info[1], "description"),
       images = to_images(info[2])]() -> Result<Made> {
        auto made = Workload::arrive(memory, description, images);
        if (!made.ok()) return made.status();
        return Made(std::move(made.value()));
      },
      from_made);
}

// Arguments: pages, whether the fill is captured, intervals and writes of the trace. The memory, in pages, of a
// guest that has so many pages before its appendix.
Napi::Value pages_with_appendix(const Napi::CallbackInfo& info) {
  const std::uint64_t pages = to_u64(info[0], "pages");
  const AppendixContent content{info[1].ToBoolean().Value(),
                                {to_u64(info[2], "intervals"), to_u64(info[3], "writes")}};
  return from_u64(info.Env(), pages + appendix_pages(content, pages));
}

constexpr std::chrono::microseconds kPatience(100);

}  // namespace

void WorkloadWrap::init(Napi::Env env, Napi::Object exports) {
  define(env, {InstanceMethod("description", &WorkloadWrap::description),
               InstanceMethod("fillSummary", &WorkloadWrap::fill_summary),
               InstanceMethod("config", &WorkloadWrap::config),
               InstanceMethod("resume", &WorkloadWrap::resume),
               InstanceMethod("resumedAtNs", &WorkloadWrap::resumed_at_ns),
               InstanceMethod("pause", &WorkloadWrap::pause),
               InstanceMethod("saveState", &WorkloadWrap::save_state),
               InstanceMethod("loadState", &WorkloadWrap::load_state),
               InstanceMethod("progress", &WorkloadWrap::progress),
               InstanceMethod("startGapWatch", &WorkloadWrap::start_gap_watch),
               InstanceMethod("longestGapMs", &WorkloadWrap::longest_gap_ms),
               InstanceMethod("gapResolutionMs", &WorkloadWrap::gap_resolution_ms),
               InstanceMethod("gapsAroundArrivalMs", &WorkloadWrap::gaps_around_arrival_ms),
               InstanceMethod("setTimeAway", &WorkloadWrap::set_time_away),
               InstanceMethod("verify", &WorkloadWrap::verify)});
  export_function<create>(env, exports, "createWorkload");
  export_function<arrive>(env, exports, "arriveWorkload");
  export_function<pages_with_appendix>(env, exports, "pagesWithAppendix");
}

Napi::Value WorkloadWrap::description(const Napi::CallbackInfo& info) {
  return from_bytes(info.Env(), native()->description());
}

Napi::Value WorkloadWrap::fill_summary(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), native()->fill_summary());
}

Napi::Value WorkloadWrap::config(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const WorkloadConfig& config = native()->config();
  Napi::Object object = Napi::Object::New(env);
  object.Set("workload", name_in(kKinds, config.kind));
  object.Set("workingSetBytes", from_u64(env, config.working_set_bytes));
  object.Set("writesPerSecond", from_u64(env, config.writes_per_second));
  object.Set("writeBytes", from_u64(env, config.write_bytes));
  object.Set("threads", from_u64(env, config.threads));
  object.Set("seed", from_u64(env, config.seed));
  object.Set("fill", name_in(kFills, config.fill));
  return object;
}

void WorkloadWrap::resume(const Napi::CallbackInfo&) { native()->resume(); }

Napi::Value WorkloadWrap::resumed_at_ns(const Napi::CallbackInfo& info) {
  return Napi::BigInt::New(info.Env(), native()->resumed_at_ns());
}

// Guest threads park within microseconds as a rule, and a hand-over to another thread and back would be
// downtime. One that waits for a page takes longer, and must not hold the JavaScript thread.
Napi::Value WorkloadWrap::pause(const Napi::CallbackInfo& info) {
  if (native()->pause_within(kPatience)) return resolved(info.Env());
  return async_call(info.Env(), [workload = native()] {
    workload->pause();
    return Status();
  });
}

Napi::Value WorkloadWrap::save_state(const Napi::CallbackInfo& info) {
  return from_bytes(info.Env(), value_or_throw(info.Env(), native()->save_state()));
}

void WorkloadWrap::load_state(const Napi::CallbackInfo& info) {
  throw_unless_ok(info.Env(), native()->load_state(to_bytes(info[0], "state")));
}

Napi::Value WorkloadWrap::progress(const Napi::CallbackInfo& info) {
  const WorkloadProgress progress = native()->progress();
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("operations", from_u64(info.Env(), progress.operations));
  object.Set("pageWrites", from_u64(info.Env(), progress.page_writes));
  return object;
}

void WorkloadWrap::start_gap_watch(const Napi::CallbackInfo&) { native()->start_gap_watch(); }

Napi::Value WorkloadWrap::longest_gap_ms(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(native()->longest_gap_ns()) / 1e6);
}

Napi::Value WorkloadWrap::gap_resolution_ms(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(native()->gap_resolution_ns()) / 1e6);
}

Napi::Value WorkloadWrap::gaps_around_arrival_ms(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto gaps = native()->gaps_around_arrival();
  const auto ms = [&](std::uint64_t nanoseconds) {
    return Napi::Number::New(env, static_cast<double>(nanoseconds) / 1e6);
  };
  Napi::Object object = Napi::Object::New(env);
  object.Set("before", ms(gaps.before_ns));
  object.Set("across", ms(gaps.across_ns));
  object.Set("after", ms(gaps.after_ns));
  return object;
}

void WorkloadWrap::set_time_away(const Napi::CallbackInfo& info) {
  native()->set_time_away(to_u64(info[0], "nanoseconds"));
}

// Answers {result: a promise, cancel: a function that ends the comparison early}.
Napi::Value WorkloadWrap::verify(const Napi::CallbackInfo& info) {
  const auto threads = to_u32(info[0], "threads");
  const PageSample sample = to_sample(info[1]);
  auto cancelled = std::make_shared<std::atomic<bool>>(false);
  const Napi::Promise verified = async_call<VerifyResult>(
      info.Env(),
      [workload = native(), threads, sample, cancelled] {
        return workload->verify(threads, sample, *cancelled);
      },
      [](Napi::Env env, VerifyResult& result) -> Napi::Value {
        Napi::Object object = Napi::Object::New(env);
        object.Set("pagesCompared", from_u64(env, result.pages_compared));
        object.Set("pagesDifferent", from_u64(env, result.pages_different));
        object.Set("failedReads", from_u64(env, result.failed_reads));
        object.Set("firstDifferentPage",
                   result.pages_different > 0 ? from_u64(env, result.first_different) : env.Null());
        return object;
      });
  Napi::Object call = Napi::Object::New(info.Env());
  call.Set("result", verified);
  call.Set("cancel", Napi::Function::New(info.Env(), [cancelled](const Napi::CallbackInfo&) {
             cancelled->store(true);
           }));
  return call;
}

}  // namespace pageferry::napi
