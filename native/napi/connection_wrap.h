// JavaScript classes Connection and Gate.
#pragma once

#include <chrono>
#include <optional>

#include "channel/gate.h"
#include "napi/wrap.h"
#include "net/stream.h"

namespace pageferry::napi {

// A connection that nobody uses yet: it becomes the control channel (ControlStream) or is taken by a native
// page or fault channel.
struct Connection {
  Connection(StreamPtr connected, std::string address, std::uint64_t common)
      : stream(std::move(connected)), peer(std::move(address)), features(common) {}
  StreamPtr stream;  // null once it was taken
  std::string peer;
  std::uint64_t features;  // that both sides have
  // Of one that has come through a gate.
  struct Arrived {
    wire::Preamble preamble;
    std::chrono::milliseconds send_timeout;
  };
  std::optional<Arrived> arrived = std::nullopt;
};

class ConnectionWrap : public Wrap<ConnectionWrap, Connection> {
 public:
  static constexpr const char* kName = "Connection";
  static constexpr napi_type_tag kTag = {0x5067f001, 4};
  using Wrap::Wrap;
  static void init(Napi::Env env, Napi::Object exports);
  // Takes the stream out; throws when it was taken before.
  static StreamPtr take(const Napi::Value& value);

 private:
  void tee(const Napi::CallbackInfo& info);
  Napi::Value answer(const Napi::CallbackInfo& info);
  Napi::Value peer(const Napi::CallbackInfo& info);
  Napi::Value features(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
};

class GateWrap : public Wrap<GateWrap, Gate> {
 public:
  static constexpr const char* kName = "Gate";
  static constexpr napi_type_tag kTag = {0x5067f001, 5};
  using Wrap::Wrap;
  static void init(Napi::Env env, Napi::Object exports);

 private:
  Napi::Value address(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
};

}  // namespace pageferry::napi
