// JavaScript classes GuestMemory, PageSet and DirtyTracker.
#pragma once

#include "napi/wrap.h"
#include "region/guest_memory.h"
#include "region/page_bitmap.h"
#include "tracker/dirty_tracker.h"

namespace pageferry::napi {

class PageSetWrap : public Wrap<PageSetWrap, PageBitmap> {
 public:
  static constexpr const char* kName = "PageSet";
  static constexpr napi_type_tag kTag = {0x5067f001, 1};
  using Wrap::Wrap;
  static void init(Napi::Env env, Napi::Object exports);

 private:
  Napi::Value count(const Napi::CallbackInfo& info);
  Napi::Value count_runs(const Napi::CallbackInfo& info);
  Napi::Value page_count(const Napi::CallbackInfo& info);
  void clear(const Napi::CallbackInfo& info);
};

class GuestMemoryWrap : public Wrap<GuestMemoryWrap, GuestMemory> {
 public:
  // Whoever lets go of a guest's memory ends the guest: a thread of it that waits for a page must not wait on.
  static void before_release(GuestMemory& memory) { memory.release_waiters(); }

  static constexpr const char* kName = "GuestMemory";
  static constexpr napi_type_tag kTag = {0x5067f001, 2};
  using Wrap::Wrap;
  static void init(Napi::Env env, Napi::Object exports);

 private:
  Napi::Value bytes(const Napi::CallbackInfo& info);
  Napi::Value page_count(const Napi::CallbackInfo& info);
  Napi::Value regions(const Napi::CallbackInfo& info);
  Napi::Value backing(const Napi::CallbackInfo& info);
  Napi::Value find_populated(const Napi::CallbackInfo& info);
  Napi::Value populated_bytes(const Napi::CallbackInfo& info);
  Napi::Value allocated_bytes(const Napi::CallbackInfo& info);
  Napi::Value find_dense_parts(const Napi::CallbackInfo& info);
  Napi::Value prefault(const Napi::CallbackInfo& info);
  Napi::Value window(const Napi::CallbackInfo& info);
  Napi::Value worker_window(const Napi::CallbackInfo& info);
  Napi::Value has_window(const Napi::CallbackInfo& info);
  Napi::Value make_window(const Napi::CallbackInfo& info);
};

class DirtyTrackerWrap : public Wrap<DirtyTrackerWrap, DirtyTracker> {
 public:
  static constexpr const char* kName = "DirtyTracker";
  static constexpr napi_type_tag kTag = {0x5067f001, 3};
  using Wrap::Wrap;
  static void init(Napi::Env env, Napi::Object exports);

 private:
  Napi::Value kind(const Napi::CallbackInfo& info);
  Napi::Value arm(const Napi::CallbackInfo& info);
  Napi::Value harvest(const Napi::CallbackInfo& info);
  Napi::Value peek(const Napi::CallbackInfo& info);
  Napi::Value disarm(const Napi::CallbackInfo& info);
};

// Runs of pages, each { page, pages }. Throws a RangeError for one that ends after `page_count`.
std::vector<PageRange> to_page_ranges(const Napi::Value& value, std::uint64_t page_count);

// Throws a TypeError for a name that no tracker has.
TrackerKind to_tracker_kind(const Napi::Value& value);

}  // namespace pageferry::napi
