#include "napi/wrap.h"

#include <cmath>
#include <cstring>

#include "os/mutex.h"

namespace pageferry::napi {

namespace {

const char* name_of(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return "OK";
    case StatusCode::kInvalidArgument:
      return "INVALID_ARGUMENT";
    case StatusCode::kUnsupported:
      return "UNSUPPORTED";
    case StatusCode::kNoPermission:
      return "NO_PERMISSION";
    case StatusCode::kNoMemory:
      return "NO_MEMORY";
    case StatusCode::kSystem:
      return "SYSTEM";
    case StatusCode::kCancelled:
      return "CANCELLED";
    case StatusCode::kTimedOut:
      return "TIMED_OUT";
    case StatusCode::kExists:
      return "EXISTS";
    case StatusCode::kBusy:
      return "BUSY";
    case StatusCode::kPeerClosed:
      return "PEER_CLOSED";
    case StatusCode::kProtocol:
      return "PROTOCOL";
    case StatusCode::kUntrusted:
      return "UNTRUSTED";
  }
  return "SYSTEM";
}

constexpr double kLargestSafeInteger = 9007199254740991.0;

Napi::TypeError wrong(const Napi::Value& value, const char* name, const char* wanted) {
  return Napi::TypeError::New(value.Env(), std::string(name) + " must be " + wanted);
}

}  // namespace

Napi::Error to_error(Napi::Env env, const Status& status) {
  Napi::Error error = Napi::Error::New(env, status.message());
  error.Set("code", Napi::String::New(env, name_of(status.code())));
  if (status.system_error() != 0) {
    error.Set("errno", Napi::String::New(env, strerrorname_np(status.system_error())));
  }
  if (!status.reason().empty()) {
    error.Set("reason", Napi::String::New(env, std::string(status.reason())));
  }
  return error;
}

std::uint64_t to_u64(const Napi::Value& value, const char* name) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  if (!(number >= 0 && number <= kLargestSafeInteger && std::floor(number) == number)) {
    throw wrong(value, name, "a whole number of 0 or more");
  }
  return static_cast<std::uint64_t>(number);
}

std::uint32_t to_u32(const Napi::Value& value, const char* name) {
  const std::uint64_t number = to_u64(value, name);
  if (number > UINT32_MAX) throw wrong(value, name, "below 2^32");
  return static_cast<std::uint32_t>(number);
}

std::string to_text(const Napi::Value& value, const char* name) {
  if (!value.IsString()) throw wrong(value, name, "a string");
  return value.As<Napi::String>().Utf8Value();
}

Napi::Function to_function(const Napi::Value& value, const char* name) {
  if (!value.IsFunction()) throw wrong(value, name, "a function");
  return value.As<Napi::Function>();
}

std::vector<std::uint8_t> to_bytes(const Napi::Value& value, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    throw wrong(value, name, "a Uint8Array");
  }
  const auto array = value.As<Napi::Uint8Array>();
  return {array.Data(), array.Data() + array.ByteLength()};
}

Napi::Value from_bytes(Napi::Env env, const std::vector<std::uint8_t>& bytes) {
  return Napi::Buffer<std::uint8_t>::Copy(env, bytes.data(), bytes.size());
}

namespace {

struct Nothing {};

Napi::Value from_nothing(Napi::Env env, Nothing&) { return env.Undefined(); }

Result<Nothing> nothing_or(Status status) {
  if (!status.ok()) return status;
  return Nothing{};
}

}  // namespace

Napi::Promise async_call(Napi::Env env, std::function<Status()> work, WithoutThread without) {
  return async_call<Nothing>(
      env, [work = std::move(work)] { return nothing_or(work()); }, from_nothing, without);
}

Napi::Promise promise_of(Napi::Env env,
                         const std::function<void(std::function<void(Status)>)>& begin) {
  return promise_of<Nothing>(
      env,
      [&](std::function<void(Result<Nothing>)> settle) {
        begin([settle](Status outcome) { settle(nothing_or(std::move(outcome))); });
      },
      from_nothing);
}

// A thread-safe function dies with its environment, whoever still holds it; so the environment's
// finalizer and the last holder agree under a mutex on who ends it.
struct JavaScriptQueue::State {
  struct Link {
    Mutex mutex;
    bool alive GUARDED_BY(mutex) = true;
  };

  Napi::ThreadSafeFunction function;
  std::shared_ptr<Link> link = std::make_shared<Link>();

  ~State() {
    const MutexLock lock(link->mutex);
    if (link->alive) function.Release();
  }
};

JavaScriptQueue::JavaScriptQueue(Napi::Env env, const Napi::Function& function, bool keeps_alive)
    : state_(std::make_shared<State>()) {
  state_->function = Napi::ThreadSafeFunction::New(env, function, "pageferry", 0, 1,
                                                   [link = state_->link](Napi::Env) {
                                                     const MutexLock lock(link->mutex);
                                                     link->alive = false;
                                                   });
  if (!keeps_alive) state_->function.Unref(env);
}

void JavaScriptQueue::keep_alive(Napi::Env env, bool keeps_alive) const {
  if (keeps_alive) {
    state_->function.Ref(env);
  } else {
    state_->function.Unref(env);
  }
}

bool JavaScriptQueue::post(Task task) const {
  const MutexLock lock(state_->link->mutex);
  if (!state_->link->alive) return false;
  auto* owned = new Task(std::move(task));
  const napi_status queued =
      state_->function.BlockingCall(owned, [](Napi::Env env, Napi::Function function, Task* task) {
        const std::unique_ptr<Task> owned(task);
        const Napi::HandleScope scope(env);
        try {
          (*owned)(env, function);
        } catch (const Napi::Error& error) {
          // Ignored by Node while the environment goes away: nothing can be called any more then.
          napi_fatal_exception(env, error.Value());
        } catch (...) {
          napi_fatal_exception(env, to_error(env, status_of_exception()).Value());
        }
      });
  if (queued != napi_ok) delete owned;
  return queued == napi_ok;
}

std::function<void(Status)> failure_callback(Napi::Env env, const Napi::Value& function) {
  const Notifier notifier(env, to_function(function, "callback"), false);
  return [notifier](Status status) {
    notifier.call(
        [status](Napi::Env env) { return std::vector<napi_value>{to_error(env, status).Value()}; });
  };
}

}  // namespace pageferry::napi
