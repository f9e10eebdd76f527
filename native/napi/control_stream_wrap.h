// JavaScript class ControlStream: a stream that JavaScript itself reads and writes, without ever waiting.
//
// The event loop watches the stream's descriptor, so that a message reaches JavaScript with no other thread between.
#pragma once

#include <uv.h>

#include "napi/wrap.h"
#include "net/stream.h"

namespace pageferry::napi {

// Thread contract: the JavaScript thread.
class WatchedStream {
 public:
  // `on_ready(readable, writable)` is called when the stream is what is watched for, also at its end.
  WatchedStream(Napi::Env env, StreamPtr stream, const Napi::Function& on_ready);
  WatchedStream(const WatchedStream&) = delete;
  WatchedStream& operator=(const WatchedStream&) = delete;
  ~WatchedStream();

  // Null once it was closed.
  Stream* stream() const { return stream_.get(); }
  // What to watch for from now on. The event loop stays alive until it is closed.
  void watch(bool readable, bool writable);
  // Idempotent. on_ready is not called any more.
  void close();

 private:
  struct Poll;

  StreamPtr stream_;
  Poll* poll_ = nullptr;  // frees itself once the event loop has let go of it
};

class ControlStreamWrap : public Wrap<ControlStreamWrap, WatchedStream> {
 public:
  static constexpr const char* kName = "ControlStream";
  static constexpr napi_type_tag kTag = {0x5067f001, 15};
  using Wrap::Wrap;
  static void init(Napi::Env env, Napi::Object exports);

 private:
  Stream& stream() const;
  Napi::Value send(const Napi::CallbackInfo& info);
  Napi::Value receive(const Napi::CallbackInfo& info);
  void watch(const Napi::CallbackInfo& info);
  void end_sending(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
};

}  // namespace pageferry::napi
