#include "napi/image_wrap.h"

#include <array>

#include "image/image_file.h"

namespace pageferry::napi {

namespace {

using Started = std::shared_ptr<ProcessImage>;

constexpr std::array<std::pair<const char*, ImageEnd>, 4> kEnds = {{
    {"complete", ImageEnd::kComplete},
    {"interrupted", ImageEnd::kInterrupted},
    {"process-ended", ImageEnd::kProcessEnded},
    {"full", ImageEnd::kFull},
}};

ImageEnd to_end(const Napi::Value& value) {
  const std::string text = to_text(value, "end");
  for (const auto& [name, end] : kEnds) {
    if (text == name) return end;
  }
  throw Napi::TypeError::New(value.Env(), "no image ends with " + text);
}

const char* reason_of(LeftOut left_out) {
  switch (left_out) {
    case LeftOut::kNotReadable:
      return "not-readable";
    case LeftOut::kKernel:
      return "kernel";
    case LeftOut::kDevice:
      return "device";
    case LeftOut::kNo:
      break;
  }
  return "";
}

Napi::Value start(const Napi::CallbackInfo& info) {
  return async_call<Started>(
      info.Env(),
      [pid = to_u32(info[0], "pid"), path = to_text(info[1], "path"),
       stop = info[2].ToBoolean().Value()]() -> Result<Started> {
        auto started = ProcessImage::start(static_cast<int>(pid), path, stop);
        if (!started.ok()) return started.status();
        return Started(std::move(started.value()));
      },
      [](Napi::Env env, Started& started) -> Napi::Value {
        return ProcessImageWrap::make(env, started);
      });
}

// What the tables of an image file say; its contents are not read.
Napi::Value describe(const Napi::CallbackInfo& info) {
  return async_call<std::shared_ptr<const ImageFile>>(
      info.Env(), [path = to_text(info[0], "path")] { return ImageFile::open(path); },
      [](Napi::Env env, std::shared_ptr<const ImageFile>& image) -> Napi::Value {
        Napi::Object object = Napi::Object::New(env);
        object.Set("pages", from_u64(env, image->pages()));
        object.Set("snapshots", from_u64(env, image->snapshots().size()));
        return object;
      });
}

Napi::Value from_milliseconds(Napi::Env env, std::uint64_t nanoseconds) {
  return Napi::Number::New(env, static_cast<double>(nanoseconds) / 1e6);
}

Napi::Array from_snapshots(Napi::Env env, const std::vector<ImageSnapshot>& snapshots) {
  Napi::Array array = Napi::Array::New(env, snapshots.size());
  for (std::uint32_t i = 0; i < snapshots.size(); ++i) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("timeMs", from_milliseconds(env, snapshots[i].time_ns));
    object.Set("durationMs", from_milliseconds(env, snapshots[i].duration_ns));
    object.Set("entries", from_u64(env, snapshots[i].entries));
    object.Set("contents", from_u64(env, snapshots[i].contents));
    array.Set(i, object);
  }
  return array;
}

// `leftOut` is empty for a mapping whose pages are in the image.
Napi::Array from_mappings(Napi::Env env, const std::vector<ImageWriter::Mapping>& mappings) {
  Napi::Array array = Napi::Array::New(env, mappings.size());
  for (std::uint32_t i = 0; i < mappings.size(); ++i) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("name", mappings[i].name);
    object.Set("bytes", from_u64(env, mappings[i].record.bytes));
    object.Set("pages", from_u64(env, mappings[i].record.pages));
    object.Set("leftOut", reason_of(mappings[i].record.left_out));
    array.Set(i, object);
  }
  return array;
}

}  // namespace

void ProcessImageWrap::init(Napi::Env env, Napi::Object exports) {
  define(env, {InstanceMethod("beginSnapshot", &ProcessImageWrap::begin_snapshot),
               InstanceMethod("step", &ProcessImageWrap::step),
               InstanceMethod("dropSnapshot", &ProcessImageWrap::drop_snapshot),
               InstanceMethod("finish", &ProcessImageWrap::finish)});
  export_function<start>(env, exports, "startProcessImage");
  export_function<describe>(env, exports, "describeImage");
}

Napi::Value ProcessImageWrap::begin_snapshot(const Napi::CallbackInfo& info) {
  return async_call(info.Env(), [image = native()] { return image->begin_snapshot(); });
}

Napi::Value ProcessImageWrap::step(const Napi::CallbackInfo& info) {
  return async_call<ProcessImage::Progress>(
      info.Env(), [image = native()] { return image->step(); },
      [](Napi::Env env, ProcessImage::Progress& progress) -> Napi::Value {
        Napi::Object object = Napi::Object::New(env);
        object.Set("pages", from_u64(env, progress.pages));
        object.Set("of", from_u64(env, progress.of));
        object.Set("storedBytes", from_u64(env, progress.stored_bytes));
        object.Set("complete", Napi::Boolean::New(env, progress.complete));
        return object;
      });
}

void ProcessImageWrap::drop_snapshot(const Napi::CallbackInfo&) { native()->drop_snapshot(); }

Napi::Value ProcessImageWrap::finish(const Napi::CallbackInfo& info) {
  return async_call<ProcessImage::Summary>(
      info.Env(), [image = native(), end = to_end(info[0])] { return image->finish(end); },
      [](Napi::Env env, ProcessImage::Summary& summary) -> Napi::Value {
        Napi::Object object = Napi::Object::New(env);
        object.Set("fileBytes", from_u64(env, summary.file_bytes));
        object.Set("pages", from_u64(env, summary.pages));
        object.Set("unreadablePages", from_u64(env, summary.unreadable));
        object.Set("snapshots", from_snapshots(env, summary.snapshots));
        object.Set("mappings", from_mappings(env, summary.mappings));
        return object;
      });
}

}  // namespace pageferry::napi
