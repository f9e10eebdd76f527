#include "napi/control_stream_wrap.h"

#include <array>

#include "napi/connection_wrap.h"

namespace pageferry::napi {

namespace {

constexpr std::size_t kMostReceived = std::size_t{64} << 10;

}  // namespace

struct WatchedStream::Poll {
  uv_poll_t handle = {};
  Napi::Env env;
  Napi::FunctionReference on_ready;
  Napi::AsyncContext context;
  WatchedStream* owner;
  // The environment waits for this when it ends, since the loop must let go of the handle before it does.
  napi_async_cleanup_hook_handle cleanup = nullptr;

  Poll(Napi::Env env, const Napi::Function& on_ready, WatchedStream* owner)
      : env(env),
        on_ready(Napi::Persistent(on_ready)),
        context(env, "pageferry.ControlStream"),
        owner(owner) {}

  static Poll& of(uv_poll_t* handle) { return *static_cast<Poll*>(handle->data); }

  static void ready(uv_poll_t* handle, int status, int events) {
    Poll& poll = of(handle);
    const Napi::HandleScope scope(poll.env);
    // A descriptor in trouble is ready for everything: the next call on it says what it is.
    const bool trouble = status < 0;
    const bool readable = trouble || (events & UV_READABLE) != 0;
    const bool writable = trouble || (events & UV_WRITABLE) != 0;
    try {
      poll.on_ready.MakeCallback(
          poll.env.Global(),
          {Napi::Boolean::New(poll.env, readable), Napi::Boolean::New(poll.env, writable)},
          poll.context);
    } catch (const Napi::Error& error) {
      napi_fatal_exception(poll.env, error.Value());
    }
  }

  static void closed(uv_handle_t* handle) {
    Poll* poll = static_cast<Poll*>(handle->data);
    const Napi::HandleScope scope(poll->env);
    napi_remove_async_cleanup_hook(poll->cleanup);
    delete poll;
  }
};

WatchedStream::WatchedStream(Napi::Env env, StreamPtr stream, const Napi::Function& on_ready)
    : stream_(std::move(stream)) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) throw Napi::Error::New(env, "no event loop");
  auto poll = std::make_unique<Poll>(env, on_ready, this);
  poll->handle.data = poll.get();
  if (const int error = uv_poll_init(loop, &poll->handle, stream_->fd()); error != 0) {
    throw to_error(env, Status::from_errno("watch the control channel", -error));
  }
  poll_ = poll.release();
  napi_add_async_cleanup_hook(
      env,
      [](napi_async_cleanup_hook_handle, void* poll) { static_cast<Poll*>(poll)->owner->close(); },
      poll_, &poll_->cleanup);
}

WatchedStream::~WatchedStream() { close(); }

void WatchedStream::watch(bool readable, bool writable) {
  if (poll_ == nullptr) return;
  const int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
  if (events == 0) {
    uv_poll_stop(&poll_->handle);
  } else {
    uv_poll_start(&poll_->handle, events, &Poll::ready);
  }
}

void WatchedStream::close() {
  if (Poll* poll = std::exchange(poll_, nullptr)) {
    uv_poll_stop(&poll->handle);
    uv_close(reinterpret_cast<uv_handle_t*>(&poll->handle), &Poll::closed);
  }
  // The loop has forgotten the descriptor: it may be closed, and its number used again.
  stream_.reset();
}

namespace {

// Arguments: connection, what to call when it is ready.
Napi::Value open_control(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Function on_ready = to_function(info[1], "onReady");
  return ControlStreamWrap::make(
      env, std::make_shared<WatchedStream>(env, ConnectionWrap::take(info[0]), on_ready));
}

}  // namespace

void ControlStreamWrap::init(Napi::Env env, Napi::Object exports) {
  define(env, {InstanceMethod("send", &ControlStreamWrap::send),
               InstanceMethod("receive", &ControlStreamWrap::receive),
               InstanceMethod("watch", &ControlStreamWrap::watch),
               InstanceMethod("endSending", &ControlStreamWrap::end_sending),
               InstanceMethod("close", &ControlStreamWrap::close)});
  export_function<open_control>(env, exports, "openControl");
}

Stream& ControlStreamWrap::stream() const {
  Stream* stream = native()->stream();
  if (stream == nullptr) throw Napi::Error::New(Env(), "this control stream was closed");
  return *stream;
}

// Argument: a Uint8Array. Answers how many of its bytes were sent.
Napi::Value ControlStreamWrap::send(const Napi::CallbackInfo& info) {
  if (!info[0].IsTypedArray()) throw Napi::TypeError::New(info.Env(), "bytes must be a Uint8Array");
  const auto bytes = info[0].As<Napi::Uint8Array>();
  return from_u64(info.Env(), value_or_throw(info.Env(), stream().send_available(
                                                             bytes.Data(), bytes.ByteLength())));
}

// Answers a Buffer, or null when nothing has come. Throws PEER_CLOSED at the end.
Napi::Value ControlStreamWrap::receive(const Napi::CallbackInfo& info) {
  std::array<std::byte, kMostReceived> room;
  const auto got = value_or_throw(info.Env(), stream().receive_available(room.data(), room.size()));
  if (got == 0) return info.Env().Null();
  return Napi::Buffer<std::byte>::Copy(info.Env(), room.data(), got);
}

void ControlStreamWrap::watch(const Napi::CallbackInfo& info) {
  native()->watch(info[0].ToBoolean(), info[1].ToBoolean());
}

void ControlStreamWrap::end_sending(const Napi::CallbackInfo&) { stream().end_sending(); }

void ControlStreamWrap::close(const Napi::CallbackInfo&) { native()->close(); }

}  // namespace pageferry::napi
