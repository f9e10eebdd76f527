// How a C++ object becomes a JavaScript one, and a Status an exception: shared by every wrapper here.
//
// Thread contract: everything in this folder runs on the JavaScript thread, except the work handed to
// async_call and the native callbacks behind Notifier.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "os/contained.h"
#include "os/kept_threads.h"
#include "os/status.h"

namespace pageferry::napi {

// An Error with `code` (the status code's stable name) and `errno` when a system call was behind it.
Napi::Error to_error(Napi::Env env, const Status& status);

inline void throw_unless_ok(Napi::Env env, const Status& status) {
  if (!status.ok()) throw to_error(env, status);
}

template <class T>
T value_or_throw(Napi::Env env, Result<T> result) {
  if (!result.ok()) throw to_error(env, result.status());
  return std::move(result.value());
}

// Exports a function of the addon. What C++ itself throws in it, std::bad_alloc above all, becomes an Error
// with a code, as any other failure.
template <Napi::Value (*function)(const Napi::CallbackInfo&)>
void export_function(Napi::Env env, Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New(env, [](const Napi::CallbackInfo& info) {
                try {
                  return function(info);
                } catch (const Napi::Error&) {
                  throw;
                } catch (...) {
                  throw to_error(info.Env(), status_of_exception());
                }
              }));
}

// Checked arguments; each throws a TypeError that names what it wanted.
std::uint64_t to_u64(const Napi::Value& value, const char* name);
std::uint32_t to_u32(const Napi::Value& value, const char* name);
std::string to_text(const Napi::Value& value, const char* name);
Napi::Function to_function(const Napi::Value& value, const char* name);
std::vector<std::uint8_t> to_bytes(const Napi::Value& value, const char* name);
Napi::Value from_bytes(Napi::Env env, const std::vector<std::uint8_t>& bytes);
inline Napi::Value from_u64(Napi::Env env, std::uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

// Brings calls from native threads to the JavaScript thread, for as long as there is one: the
// environment may go away first, and then post() answers false for ever.
//
// Thread contract: post from any thread; copies share the queue, and the last one lets it go, on any
// thread.
class JavaScriptQueue {
 public:
  // Runs on the JavaScript thread with the function given to the constructor (empty if there was none).
  // What it throws becomes an uncaught exception of the program.
  using Task = std::function<void(Napi::Env, Napi::Function)>;

  // The event loop stays alive while the queue does only with `keeps_alive`.
  JavaScriptQueue(Napi::Env env, const Napi::Function& function, bool keeps_alive);
  bool post(Task task) const;
  // On the JavaScript thread.
  void keep_alive(Napi::Env env, bool keeps_alive) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// What belongs to one JavaScript environment.
struct Environment {
  explicit Environment(Napi::Env env) : settling(env, Napi::Function(), false) {}
  static Environment& of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

  // The constructors of the classes, so that native code can make instances.
  std::unordered_map<const char*, Napi::FunctionReference> constructors;
  // For async_call: who does the work, and the way back.
  KeptThreads threads;
  JavaScriptQueue settling;
  unsigned calls_under_way = 0;

  // The event loop stays alive while calls are under way.
  void begin_call(Napi::Env env) {
    if (calls_under_way++ == 0) settling.keep_alive(env, true);
  }
  void end_call(Napi::Env env) {
    if (--calls_under_way == 0) settling.keep_alive(env, false);
  }
};

// Base of a JavaScript class that holds a shared native object. `Derived` names itself with kName and
// carries a type tag, so that handing over an object of another class is a TypeError, not a crash.
template <class Derived, class Native>
class Wrap : public Napi::ObjectWrap<Derived> {
 public:
  explicit Wrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Derived>(info) {
    if (info.Length() != 1 || !info[0].IsExternal()) {
      throw Napi::TypeError::New(
          info.Env(), std::string(Derived::kName) + " objects are made by the addon's functions");
    }
    native_ = *info[0].As<Napi::External<std::shared_ptr<Native>>>().Data();
    info.This().As<Napi::Object>().TypeTag(&Derived::kTag);
  }

  static Napi::Object make(Napi::Env env, std::shared_ptr<Native> native) {
    auto& constructor = Environment::of(env).constructors.at(Derived::kName);
    return constructor.New({Napi::External<std::shared_ptr<Native>>::New(env, &native)});
  }

  static std::shared_ptr<Native> from(const Napi::Value& value) {
    if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&Derived::kTag)) {
      throw Napi::TypeError::New(value.Env(), std::string("expected a ") + Derived::kName);
    }
    return Napi::ObjectWrap<Derived>::Unwrap(value.As<Napi::Object>())->native();
  }

  // Every class also gets release(): lets go of the native object now rather than at some garbage
  // collection, because gigabytes or threads may hang on it. Idempotent.
  static void define(Napi::Env env, std::vector<Napi::ClassPropertyDescriptor<Derived>> members) {
    members.push_back(Napi::ObjectWrap<Derived>::InstanceMethod(
        "release", static_cast<void (Derived::*)(const Napi::CallbackInfo&)>(&Wrap::release)));
    const Napi::Function constructor = Derived::DefineClass(env, Derived::kName, members);
    Environment::of(env).constructors[Derived::kName] = Napi::Persistent(constructor);
  }

 protected:
  const std::shared_ptr<Native>& native() const {
    if (native_ == nullptr) {
      throw Napi::Error::New(this->Env(), std::string(Derived::kName) + " was released");
    }
    return native_;
  }
  bool released() const { return native_ == nullptr; }

 private:
  // A class may have something to do first: `static void before_release(Native&)`.
  void release(const Napi::CallbackInfo&) {
    if constexpr (requires(Native & native) { Derived::before_release(native); }) {
      if (native_ != nullptr) Derived::before_release(*native_);
    }
    native_.reset();
  }

  std::shared_ptr<Native> native_;
};

// A call whose promise is not settled yet.
template <class T>
struct Call {
  Call(Napi::Env env, std::function<Napi::Value(Napi::Env, T&)> convert_result)
      : deferred(Napi::Promise::Deferred::New(env)), convert(std::move(convert_result)) {}

  Napi::Promise::Deferred deferred;
  const std::function<Napi::Value(Napi::Env, T&)> convert;
  std::optional<Result<T>> result;

  // On the JavaScript thread, once there is a result.
  void settle(Napi::Env env) {
    try {
      if (result->ok()) return deferred.Resolve(convert(env, result->value()));
      deferred.Reject(to_error(env, result->status()).Value());
    } catch (const Napi::Error& error) {
      deferred.Reject(error.Value());
    } catch (...) {
      deferred.Reject(to_error(env, status_of_exception()).Value());
    }
  }
};

// What becomes of a call when the system has no thread left for it.
enum class WithoutThread : std::uint8_t {
  kFail,
  kRunHere,  // On the JavaScript thread: only for what is short, waits for nobody, and must happen.
};

// Runs `work` on a thread of its own and settles the promise on the JavaScript thread with what
// `convert` makes of its value, or with the error. A thread, not one of libuv's pool: some of these
// wait for a peer, and four of them would stop every other use of the pool.
template <class T>
Napi::Promise async_call(Napi::Env env, std::function<Result<T>()> work,
                         std::function<Napi::Value(Napi::Env, T&)> convert,
                         WithoutThread without = WithoutThread::kFail) {
  Environment& environment = Environment::of(env);
  auto call = std::make_shared<Call<T>>(env, std::move(convert));
  // Shared, because what is not started is needed here.
  auto shared_work = std::make_shared<std::function<Result<T>()>>(std::move(work));
  const Status started =
      environment.threads.run([call, queue = environment.settling, work = shared_work]() mutable {
        call->result.emplace(contained(*work));
        *work = nullptr;  // Lets go of the objects it holds before the promise settles.
        queue.post([call](Napi::Env env, Napi::Function) {
          Environment::of(env).end_call(env);
          call->settle(env);
        });
      });
  if (started.ok()) {
    environment.begin_call(env);
    return call->deferred.Promise();
  }
  const bool here = without == WithoutThread::kRunHere;
  call->result.emplace(here ? contained(*shared_work) : Result<T>(started));
  call->settle(env);
  return call->deferred.Promise();
}

// What a call answers whose work was over at once: no thread, no way back through the event loop.
inline Napi::Promise resolved(Napi::Env env) {
  const auto deferred = Napi::Promise::Deferred::New(env);
  deferred.Resolve(env.Undefined());
  return deferred.Promise();
}

// async_call for work that has no value.
Napi::Promise async_call(Napi::Env env, std::function<Status()> work,
                         WithoutThread without = WithoutThread::kFail);

// For what needs no new thread: a promise that settles with the outcome that `begin`'s argument is called
// with, once, from any thread.
template <class T>
Napi::Promise promise_of(Napi::Env env,
                         const std::function<void(std::function<void(Result<T>)>)>& begin,
                         std::function<Napi::Value(Napi::Env, T&)> convert) {
  Environment& environment = Environment::of(env);
  auto call = std::make_shared<Call<T>>(env, std::move(convert));
  begin([call, queue = environment.settling](Result<T> outcome) {
    call->result.emplace(std::move(outcome));
    queue.post([call](Napi::Env env, Napi::Function) {
      Environment::of(env).end_call(env);
      call->settle(env);
    });
  });
  // Settled on this thread, so not before here.
  environment.begin_call(env);
  return call->deferred.Promise();
}

// promise_of for an outcome that has no value.
Napi::Promise promise_of(Napi::Env env,
                         const std::function<void(std::function<void(Status)>)>& begin);

// Calls a JavaScript function from native threads, later and on the JavaScript thread.
class Notifier {
 public:
  Notifier(Napi::Env env, const Napi::Function& function, bool keeps_alive)
      : queue_(env, function, keeps_alive) {}
  using MakeArguments = std::function<std::vector<napi_value>(Napi::Env)>;
  void call(MakeArguments arguments) const {
    queue_.post([arguments = std::move(arguments)](Napi::Env env, Napi::Function function) {
      function.Call(arguments(env));
    });
  }

 private:
  JavaScriptQueue queue_;
};

// A callback that hands a failure to JavaScript as an Error.
std::function<void(Status)> failure_callback(Napi::Env env, const Napi::Value& function);

}  // namespace pageferry::napi
