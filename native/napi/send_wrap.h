// JavaScript classes TokenBucket, ResidualSet, PageSender and PageServer: the source's.
#pragma once

#include "napi/wrap.h"
#include "net/token_bucket.h"
#include "region/residual_set.h"
#include "send/page_sender.h"
#include "send/page_server.h"

namespace pageferry::napi {

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

class PageServerWrap : public Wrap<PageServerWrap, PageServer> {
 public:
  static constexpr const char* kName = "PageServer";
  static constexpr napi_type_tag kTag = {0x5067f001, 11};
  using Wrap::Wrap;
  static void init(Napi::Env env, Napi::Object exports);

 private:
  void compress(const Napi::CallbackInfo& info);
  Napi::Value stats(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
};

}  // namespace pageferry::napi
