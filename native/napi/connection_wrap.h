// JavaScript classes Connection and Listener.
#pragma once

#include "napi/wrap.h"
#include "net/socket.h"
#include "wire/listener.h"

namespace pageferry::napi {

// A connection that nobody uses yet: it becomes the control channel (detach) or is taken by a native
// page or fault channel.
struct Connection {
  Connection(Socket connected, std::string address)
      : socket(std::move(connected)), peer(std::move(address)) {}
  std::optional<Socket> socket;
  std::string peer;
};

class ConnectionWrap : public Wrap<ConnectionWrap, Connection> {
 public:
  static constexpr const char* kName = "Connection";
  static constexpr napi_type_tag kTag = {0x5067f001, 4};
  using Wrap::Wrap;
  static void init(Napi::Env env, Napi::Object exports);
  // Takes the socket out; throws when it was taken before.
  static Socket take(const Napi::Value& value);

 private:
  Napi::Value answer(const Napi::CallbackInfo& info);
  Napi::Value detach(const Napi::CallbackInfo& info);
  Napi::Value peer(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
};

class ListenerWrap : public Wrap<ListenerWrap, Listener> {
 public:
  static constexpr const char* kName = "Listener";
  static constexpr napi_type_tag kTag = {0x5067f001, 5};
  using Wrap::Wrap;
  static void init(Napi::Env env, Napi::Object exports);

 private:
  Napi::Value port(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
};

}  // namespace pageferry::napi
