#include "napi/connection_wrap.h"

#include <algorithm>

namespace pageferry::napi {

namespace {

using std::chrono::milliseconds;

wire::Role to_role(const Napi::Value& value) {
  const std::string name = to_text(value, "role");
  if (name == "control") return wire::Role::kControl;
  if (name == "page") return wire::Role::kPage;
  if (name == "fault") return wire::Role::kFault;
  throw Napi::TypeError::New(value.Env(), "there is no role called " + name);
}

const char* role_name(wire::Role role) {
  switch (role) {
    case wire::Role::kControl:
      return "control";
    case wire::Role::kPage:
      return "page";
    case wire::Role::kFault:
      return "fault";
  }
  return "control";
}

// What every channel of a migration wants from its socket.
void configure(Socket& socket, milliseconds stall) {
  socket.set_send_timeout(stall);
  // On page channels too: a sync behind a small record would wait 40 ms for a delayed acknowledgement.
  socket.set_no_delay();
  // The kernel's default may pace (bbr does), which on one host only adds waiting.
  if (socket.peer_is_local()) socket.set_congestion_control("cubic");
}

struct Target {
  std::string host;
  std::uint16_t port;
  wire::Role role;
  std::uint32_t channel;
  std::array<std::uint8_t, 16> migration_id;
  milliseconds timeout;
  milliseconds stall;
};

Target to_target(const Napi::Value& value) {
  if (!value.IsObject()) throw Napi::TypeError::New(value.Env(), "target must be an object");
  const auto object = value.As<Napi::Object>();
  Target target = {};
  target.host = to_text(object.Get("host"), "host");
  const auto port = to_u32(object.Get("port"), "port");
  const auto id = to_bytes(object.Get("migrationId"), "migrationId");
  if (port == 0 || port > UINT16_MAX || id.size() != target.migration_id.size()) {
    throw Napi::TypeError::New(value.Env(), "port must be 1 to 65535 and migrationId 16 bytes");
  }
  target.port = static_cast<std::uint16_t>(port);
  target.role = to_role(object.Get("role"));
  target.channel = to_u32(object.Get("channel"), "channel");
  std::ranges::copy(id, target.migration_id.begin());
  target.timeout = milliseconds(to_u32(object.Get("timeoutMs"), "timeoutMs"));
  target.stall = milliseconds(to_u32(object.Get("stallMs"), "stallMs"));
  return target;
}

using Shared = std::shared_ptr<Connection>;

Result<Shared> open_connection(const Target& target) {
  auto socket = Socket::connect(target.host, target.port, target.timeout);
  if (!socket.ok()) return socket.status();
  configure(socket.value(), target.stall);
  const Status offered = offer_preamble(socket.value(), target.role, target.channel,
                                        target.migration_id, target.timeout);
  if (!offered.ok()) return offered;
  const bool v6 = target.host.find(':') != std::string::npos;
  const std::string host = v6 ? "[" + target.host + "]" : target.host;
  return std::make_shared<Connection>(std::move(socket.value()),
                                      host + ":" + std::to_string(target.port));
}

Napi::Value connect(const Napi::CallbackInfo& info) {
  return async_call<Shared>(
      info.Env(), [target = to_target(info[0])] { return open_connection(target); },
      [](Napi::Env env, Shared& connection) -> Napi::Value {
        return ConnectionWrap::make(env, connection);
      });
}

Napi::Object to_object(Napi::Env env, const wire::Preamble& preamble, const Shared& connection) {
  Napi::Object arrival = Napi::Object::New(env);
  arrival.Set("role", role_name(preamble.role));
  arrival.Set("channel", from_u64(env, preamble.channel));
  arrival.Set("migrationId",
              from_bytes(env, {preamble.migration_id.begin(), preamble.migration_id.end()}));
  arrival.Set("connection", ConnectionWrap::make(env, connection));
  return arrival;
}

Napi::Value listen(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto port = to_u32(info[1], "port");
  if (port > UINT16_MAX) throw Napi::RangeError::New(env, "port must be 0 to 65535");
  const milliseconds stall(to_u32(info[2], "stallMs"));
  const Notifier arrived(env, to_function(info[3], "onArrival"), true);
  const Notifier stranger(env, to_function(info[4], "onStranger"), false);
  const Notifier trouble(env, to_function(info[5], "onTrouble"), false);
  auto listener = value_or_throw(
      env, Listener::open(
               to_text(info[0], "host"), static_cast<std::uint16_t>(port),
               [arrived, stall](Arrival arrival) {
                 configure(arrival.socket, stall);
                 auto connection =
                     std::make_shared<Connection>(std::move(arrival.socket), arrival.peer);
                 arrived.call([connection, preamble = arrival.preamble](Napi::Env env) {
                   return std::vector<napi_value>{to_object(env, preamble, connection)};
                 });
               },
               [stranger](std::string peer, std::string reason) {
                 stranger.call([peer, reason](Napi::Env env) {
                   return std::vector<napi_value>{Napi::String::New(env, peer),
                                                  Napi::String::New(env, reason)};
                 });
               },
               [trouble](Status status) {
                 trouble.call([status](Napi::Env env) {
                   return std::vector<napi_value>{to_error(env, status).Value()};
                 });
               }));
  return ListenerWrap::make(env, std::move(listener));
}

}  // namespace

void ConnectionWrap::init(Napi::Env env, Napi::Object exports) {
  define(env, {InstanceMethod("answer", &ConnectionWrap::answer),
               InstanceMethod("detach", &ConnectionWrap::detach),
               InstanceAccessor("peer", &ConnectionWrap::peer, nullptr),
               InstanceMethod("close", &ConnectionWrap::close)});
  export_function<connect>(env, exports, "connect");
}

Socket ConnectionWrap::take(const Napi::Value& value) {
  const auto connection = from(value);
  if (!connection->socket.has_value()) {
    throw Napi::Error::New(value.Env(), "this connection is in use already");
  }
  Socket socket = std::move(*connection->socket);
  connection->socket.reset();
  return socket;
}

Napi::Value ConnectionWrap::answer(const Napi::CallbackInfo& info) {
  const auto status = static_cast<wire::PreambleStatus>(to_u32(info[0], "status"));
  if (!native()->socket.has_value()) return Napi::Boolean::New(info.Env(), false);
  const bool sent = answer_preamble(*native()->socket, status).ok();
  return Napi::Boolean::New(info.Env(), sent);
}

Napi::Value ConnectionWrap::detach(const Napi::CallbackInfo& info) {
  Socket socket = take(info.This());
  return Napi::Number::New(info.Env(), socket.release().release());
}

Napi::Value ConnectionWrap::peer(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), native()->peer);
}

void ConnectionWrap::close(const Napi::CallbackInfo&) { native()->socket.reset(); }

void ListenerWrap::init(Napi::Env env, Napi::Object exports) {
  define(env, {InstanceAccessor("port", &ListenerWrap::port, nullptr),
               InstanceMethod("close", &ListenerWrap::close)});
  export_function<listen>(env, exports, "listen");
}

Napi::Value ListenerWrap::port(const Napi::CallbackInfo& info) {
  return from_u64(info.Env(), native()->port());
}

void ListenerWrap::close(const Napi::CallbackInfo&) { native()->close(); }

}  // namespace pageferry::napi
