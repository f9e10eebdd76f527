// JavaScript classes TokenBucket, ResidualSet, PageSender, ArrivingMemory and PageReceiver.
#pragma once

#include "napi/wrap.h"
#include "net/token_bucket.h"
#include "pump/page_receiver.h"
#include "pump/page_sender.h"
#include "region/arriving_memory.h"
#include "region/residual_set.h"
#include "wire/contents.h"

namespace pageferry::napi {

// A list of names of contents.
wire::ContentSet to_contents(const Napi::Value& value);

class TokenBucketWrap : public Wrap<TokenBucketWrap, TokenBucket> {
 public:
  static constexpr const char* kName = "TokenBucket";
  static constexpr napi_type_tag kTag = {0x5067f001, 6};
  using Wrap::Wrap;
  static void init(Napi::Env env, Napi::Object exports);

 private:
  void set_rate(const Napi::CallbackInfo& info);
};

class ResidualSetWrap : public Wrap<ResidualSetWrap, ResidualSet> {
 public:
  static constexpr const char* kName = "ResidualSet";
  static constexpr napi_type_tag kTag = {0x5067f001, 7};
  using Wrap::Wrap;
  static void init(Napi::Env env, Napi::Object exports);

 private:
  void add(const Napi::CallbackInfo& info);
  Napi::Value count(const Napi::CallbackInfo& info);
};

class PageSenderWrap : public Wrap<PageSenderWrap, PageSender> {
 public:
  static constexpr const char* kName = "PageSender";
  static constexpr napi_type_tag kTag = {0x5067f001, 8};
  using Wrap::Wrap;
  static void init(Napi::Env env, Napi::Object exports);

 private:
  Napi::Value send_round(const Napi::CallbackInfo& info);
  Napi::Value final_round(const Napi::CallbackInfo& info);
  Napi::Value push(const Napi::CallbackInfo& info);
  Napi::Value last_sync(const Napi::CallbackInfo& info);
  Napi::Value progress(const Napi::CallbackInfo& info);
  Napi::Value unacknowledged_bytes(const Napi::CallbackInfo& info);
  Napi::Value link(const Napi::CallbackInfo& info);
  void set_effort(const Napi::CallbackInfo& info);
  Napi::Value version_bytes(const Napi::CallbackInfo& info);
  void cancel(const Napi::CallbackInfo& info);
};

class ArrivingMemoryWrap : public Wrap<ArrivingMemoryWrap, ArrivingMemory> {
 public:
  static constexpr const char* kName = "ArrivingMemory";
  static constexpr napi_type_tag kTag = {0x5067f001, 9};
  using Wrap::Wrap;
  static void init(Napi::Env env, Napi::Object exports);

 private:
  Napi::Value populate_ahead(const Napi::CallbackInfo& info);
  void cancel_populating(const Napi::CallbackInfo& info);
  void start_serving(const Napi::CallbackInfo& info);
  void complete(const Napi::CallbackInfo& info);
  Napi::Value pages_missing(const Napi::CallbackInfo& info);
};

class PageReceiverWrap : public Wrap<PageReceiverWrap, PageReceiver> {
 public:
  static constexpr const char* kName = "PageReceiver";
  static constexpr napi_type_tag kTag = {0x5067f001, 10};
  using Wrap::Wrap;
  static void init(Napi::Env env, Napi::Object exports);

 private:
  void add_channel(const Napi::CallbackInfo& info);
  Napi::Value has_reached(const Napi::CallbackInfo& info);
  Napi::Value wait_sync(const Napi::CallbackInfo& info);
  Napi::Value progress(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
};

// A callback that hands a failure to JavaScript as an Error.
std::function<void(Status)> failure_callback(Napi::Env env, const Napi::Value& function);

}  // namespace pageferry::napi
