#include "napi/memory_wrap.h"

#include "napi/send_wrap.h"
#include "napi/shared_window.h"
#include "send/dense_parts.h"

namespace pageferry::napi {

namespace {

std::vector<std::uint64_t> to_sizes(const Napi::Value& value) {
  if (!value.IsArray()) throw Napi::TypeError::New(value.Env(), "region sizes must be an array");
  const auto array = value.As<Napi::Array>();
  std::vector<std::uint64_t> sizes;
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    sizes.push_back(to_u64(array.Get(i), "a region's size"));
  }
  return sizes;
}

Napi::Value create_memory(const Napi::CallbackInfo& info) {
  auto memory = value_or_throw(info.Env(), GuestMemory::create_shared(to_sizes(info[0])));
  return GuestMemoryWrap::make(info.Env(), std::move(memory));
}

// Arguments: memory, kind, what to call when it fails by itself.
Napi::Value create_tracker(const Napi::CallbackInfo& info) {
  auto tracker = value_or_throw(
      info.Env(), make_tracker(to_tracker_kind(info[1]), GuestMemoryWrap::from(info[0]),
                               failure_callback(info.Env(), info[2])));
  return DirtyTrackerWrap::make(info.Env(), std::move(tracker));
}

}  // namespace

std::vector<PageRange> to_page_ranges(const Napi::Value& value, std::uint64_t page_count) {
  if (!value.IsArray()) throw Napi::TypeError::New(value.Env(), "runs of pages must be an array");
  const auto array = value.As<Napi::Array>();
  std::vector<PageRange> ranges;
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    const auto range = array.Get(i).As<Napi::Object>();
    const auto first = to_u64(range.Get("page"), "page");
    const auto count = to_u64(range.Get("pages"), "pages");
    if (first > page_count || count > page_count - first) {
      throw Napi::RangeError::New(value.Env(), "a run of pages lies outside the guest's memory");
    }
    ranges.push_back({first, count});
  }
  return ranges;
}

TrackerKind to_tracker_kind(const Napi::Value& value) {
  const std::string name = to_text(value, "tracker");
  for (const auto kind :
       {TrackerKind::kUffdWpAsync, TrackerKind::kUffdWpSync, TrackerKind::kMprotect}) {
    if (tracker_name(kind) == name) return kind;
  }
  throw Napi::TypeError::New(value.Env(), "there is no tracker called " + name);
}

void PageSetWrap::init(Napi::Env env, Napi::Object) {
  define(env, {InstanceMethod("count", &PageSetWrap::count),
               InstanceMethod("countRuns", &PageSetWrap::count_runs),
               InstanceAccessor("pageCount", &PageSetWrap::page_count, nullptr),
               InstanceMethod("clear", &PageSetWrap::clear)});
}

Napi::Value PageSetWrap::count(const Napi::CallbackInfo& info) {
  return from_u64(info.Env(), native()->count());
}

Napi::Value PageSetWrap::count_runs(const Napi::CallbackInfo& info) {
  return from_u64(info.Env(), native()->count_runs(to_u64(info[0], "most")));
}

Napi::Value PageSetWrap::page_count(const Napi::CallbackInfo& info) {
  return from_u64(info.Env(), native()->page_count());
}

void PageSetWrap::clear(const Napi::CallbackInfo&) { native()->reset(); }

void GuestMemoryWrap::init(Napi::Env env, Napi::Object exports) {
  define(env, {InstanceAccessor("bytes", &GuestMemoryWrap::bytes, nullptr),
               InstanceAccessor("pageCount", &GuestMemoryWrap::page_count, nullptr),
               InstanceAccessor("regions", &GuestMemoryWrap::regions, nullptr),
               InstanceAccessor("backing", &GuestMemoryWrap::backing, nullptr),
               InstanceMethod("findPopulated", &GuestMemoryWrap::find_populated),
               InstanceMethod("populatedBytes", &GuestMemoryWrap::populated_bytes),
               InstanceMethod("allocatedBytes", &GuestMemoryWrap::allocated_bytes),
               InstanceMethod("findDenseParts", &GuestMemoryWrap::find_dense_parts),
               InstanceMethod("prefault", &GuestMemoryWrap::prefault),
               InstanceMethod("window", &GuestMemoryWrap::window),
               InstanceMethod("workerWindow", &GuestMemoryWrap::worker_window),
               InstanceAccessor("hasWindow", &GuestMemoryWrap::has_window, nullptr)});
  export_function<create_memory>(env, exports, "createGuestMemory");
}

Napi::Value GuestMemoryWrap::bytes(const Napi::CallbackInfo& info) {
  return from_u64(info.Env(), native()->bytes());
}

Napi::Value GuestMemoryWrap::page_count(const Napi::CallbackInfo& info) {
  return from_u64(info.Env(), native()->page_count());
}

Napi::Value GuestMemoryWrap::backing(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(),
                           native()->backing() == Backing::kShared ? "shared" : "private");
}

Napi::Value GuestMemoryWrap::regions(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Array regions = Napi::Array::New(env);
  for (const Region& region : native()->regions()) {
    Napi::Object item = Napi::Object::New(env);
    item.Set("bytes", from_u64(env, region.bytes()));
    item.Set("pageBytes", from_u64(env, region.page_bytes));
    regions.Set(regions.Length(), item);
  }
  return regions;
}

Napi::Value GuestMemoryWrap::find_populated(const Napi::CallbackInfo& info) {
  using Pages = std::shared_ptr<PageBitmap>;
  return async_call<Pages>(
      info.Env(),
      [memory = native()]() -> Result<Pages> {
        auto populated = std::make_shared<PageBitmap>(memory->page_count());
        if (Status found = memory->find_populated(*populated); !found.ok()) return found;
        return populated;
      },
      [](Napi::Env env, Pages& pages) -> Napi::Value { return PageSetWrap::make(env, pages); });
}

Napi::Value GuestMemoryWrap::populated_bytes(const Napi::CallbackInfo& info) {
  return async_call<std::uint64_t>(
      info.Env(), [memory = native()] { return memory->populated_bytes(); },
      [](Napi::Env env, std::uint64_t& bytes) { return from_u64(env, bytes); });
}

// Whoever keeps accounts may ask after the release: nothing is held then.
Napi::Value GuestMemoryWrap::allocated_bytes(const Napi::CallbackInfo& info) {
  if (released()) return from_u64(info.Env(), 0);
  return from_u64(info.Env(), value_or_throw(info.Env(), native()->allocated_bytes()));
}

// Argument: how many parts at most.
Napi::Value GuestMemoryWrap::find_dense_parts(const Napi::CallbackInfo& info) {
  using Parts = std::vector<PageRange>;
  return async_call<Parts>(
      info.Env(),
      [memory = native(), most = to_u32(info[0], "most")] {
        return pageferry::find_dense_parts(*memory, most);
      },
      [](Napi::Env env, Parts& parts) -> Napi::Value {
        Napi::Array array = Napi::Array::New(env, parts.size());
        for (std::uint32_t i = 0; i < parts.size(); ++i) {
          Napi::Object part = Napi::Object::New(env);
          part.Set("page", from_u64(env, parts[i].first));
          part.Set("pages", from_u64(env, parts[i].count));
          array.Set(i, part);
        }
        return array;
      });
}

Napi::Value GuestMemoryWrap::prefault(const Napi::CallbackInfo& info) {
  return async_call(info.Env(), [memory = native()] { return memory->prefault(); });
}

Napi::Value GuestMemoryWrap::window(const Napi::CallbackInfo& info) {
  Napi::Value made = make_window(info);
  throw_unless_ok(info.Env(), native()->open_to_agent());
  return made;
}

Napi::Value GuestMemoryWrap::worker_window(const Napi::CallbackInfo& info) {
  return make_window(info);
}

Napi::Value GuestMemoryWrap::has_window(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), native()->is_open_to_agent());
}

Napi::Value GuestMemoryWrap::make_window(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::uint64_t offset = to_u64(info[0], "offset");
  const std::uint64_t bytes = to_u64(info[1], "bytes");
  // More than Node 20 can have in one buffer would end the process.
  constexpr std::uint64_t kMostBytes = (std::uint64_t{1} << 32) - 1;
  const auto& memory = native();
  const PageIndex first = offset / kPageBytes;
  if (!memory->local() || bytes == 0 || bytes > kMostBytes || offset >= memory->bytes() ||
      bytes > memory->region_of(first).pages().end() * kPageBytes - offset) {
    throw Napi::RangeError::New(env, "a window is 1 byte to 4 GiB - 1 within one local region");
  }
  auto* data = reinterpret_cast<void*>(memory->guest_address(first) + offset % kPageBytes);
  return make_shared_window(env, memory, data, bytes);
}

void DirtyTrackerWrap::init(Napi::Env env, Napi::Object exports) {
  define(env, {InstanceAccessor("kind", &DirtyTrackerWrap::kind, nullptr),
               InstanceMethod("arm", &DirtyTrackerWrap::arm),
               InstanceMethod("harvest", &DirtyTrackerWrap::harvest),
               InstanceMethod("peek", &DirtyTrackerWrap::peek),
               InstanceMethod("disarm", &DirtyTrackerWrap::disarm)});
  export_function<create_tracker>(env, exports, "createDirtyTracker");
}

Napi::Value DirtyTrackerWrap::kind(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), std::string(tracker_name(native()->kind())));
}

Napi::Value DirtyTrackerWrap::arm(const Napi::CallbackInfo& info) {
  return async_call(info.Env(), [tracker = native()] { return tracker->arm(); });
}

Napi::Value DirtyTrackerWrap::harvest(const Napi::CallbackInfo& info) {
  return async_call(info.Env(), [tracker = native(), dirty = PageSetWrap::from(info[0])] {
    return tracker->harvest(dirty->all(), *dirty);
  });
}

Napi::Value DirtyTrackerWrap::peek(const Napi::CallbackInfo& info) {
  return async_call(info.Env(), [tracker = native(), dirty = PageSetWrap::from(info[0])] {
    return tracker->peek(dirty->all(), *dirty);
  });
}

Napi::Value DirtyTrackerWrap::disarm(const Napi::CallbackInfo& info) {
  // A guest is slow, or waits, for as long as it is armed: it must not stay so for want of a thread.
  return async_call(
      info.Env(), [tracker = native()] { return tracker->disarm(); }, WithoutThread::kRunHere);
}

}  // namespace pageferry::napi
