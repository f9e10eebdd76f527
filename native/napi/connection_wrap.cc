#include "napi/connection_wrap.h"

#include <algorithm>

#include "channel/greeting.h"
#include "napi/capture_wrap.h"
#include "napi/credentials_wrap.h"
#include "net/tee_stream.h"
#include "tls/tls_handshake.h"

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

// {host, port} or {path}.
Address to_address(const Napi::Value& value) {
  if (!value.IsObject()) throw Napi::TypeError::New(value.Env(), "address must be an object");
  const auto object = value.As<Napi::Object>();
  if (object.Has("path")) return UnixAddress{to_text(object.Get("path"), "path")};
  const auto port = to_u32(object.Get("port"), "port");
  if (port > UINT16_MAX) throw Napi::RangeError::New(value.Env(), "port must be 0 to 65535");
  return TcpAddress{to_text(object.Get("host"), "host"), static_cast<std::uint16_t>(port)};
}

Napi::Value from_address(Napi::Env env, const Address& address) {
  Napi::Object object = Napi::Object::New(env);
  if (const auto* local = std::get_if<UnixAddress>(&address)) {
    object.Set("path", local->path);
  } else {
    const auto& tcp = std::get<TcpAddress>(address);
    object.Set("host", tcp.host);
    object.Set("port", Napi::Number::New(env, tcp.port));
  }
  return object;
}

// The name for which the other side's certificate has to be: what was asked for, or the host.
std::string server_name(const Napi::Object& object, const Address& address) {
  if (object.Has("serverName")) return to_text(object.Get("serverName"), "serverName");
  const auto* tcp = std::get_if<TcpAddress>(&address);
  return tcp != nullptr ? tcp->host : std::string();
}

// Null: without TLS.
std::shared_ptr<TlsCredentialsStore> to_credentials(const Napi::Value& value) {
  return value.IsNull() ? nullptr : CredentialsWrap::from(value);
}

// As a capture names the channel of this preamble.
CaptureFile::Channel capture_channel(wire::Role role, std::uint32_t number) {
  static_assert(static_cast<int>(CaptureFile::Role::kControl) ==
                static_cast<int>(wire::Role::kControl));
  static_assert(static_cast<int>(CaptureFile::Role::kPage) == static_cast<int>(wire::Role::kPage));
  static_assert(static_cast<int>(CaptureFile::Role::kFault) ==
                static_cast<int>(wire::Role::kFault));
  return {.role = static_cast<CaptureFile::Role>(role),
          .number = static_cast<std::uint16_t>(number)};
}

struct Target {
  Address address;
  std::shared_ptr<TlsCredentialsStore> credentials;
  std::string server_name;
  wire::Role role;
  std::uint32_t channel;
  MigrationId migration_id;
  milliseconds timeout;
  milliseconds stall;
  std::shared_ptr<CaptureFile> capture;  // or null
};

Target to_target(const Napi::Value& value) {
  if (!value.IsObject()) throw Napi::TypeError::New(value.Env(), "target must be an object");
  const auto object = value.As<Napi::Object>();
  Target target = {};
  target.address = to_address(object.Get("address"));
  target.credentials = to_credentials(object.Get("credentials"));
  target.server_name = server_name(object, target.address);
  const auto id = to_bytes(object.Get("migrationId"), "migrationId");
  if (id.size() != target.migration_id.size()) {
    throw Napi::TypeError::New(value.Env(), "migrationId must be 16 bytes");
  }
  target.role = to_role(object.Get("role"));
  target.channel = to_u32(object.Get("channel"), "channel");
  std::ranges::copy(id, target.migration_id.begin());
  target.timeout = milliseconds(to_u32(object.Get("timeoutMs"), "timeoutMs"));
  target.stall = milliseconds(to_u32(object.Get("stallMs"), "stallMs"));
  const Napi::Value capture = object.Get("capture");
  if (!capture.IsNull()) target.capture = CaptureFileWrap::from(capture);
  return target;
}

using Shared = std::shared_ptr<Connection>;

Result<Shared> open_connection(const Target& target) {
  auto connected = SocketStream::connect(target.address, target.timeout);
  if (!connected.ok()) return connected.status();
  StreamPtr stream = std::make_unique<SocketStream>(std::move(connected.value()));
  if (target.credentials != nullptr) {
    auto secured = connect_tls(std::move(stream), target.credentials->current(), target.server_name,
                               target.timeout);
    if (!secured.ok()) return secured.status();
    stream = std::move(secured.value());
  }
  if (target.capture != nullptr) {
    stream = std::make_unique<TeeStream>(std::move(stream), target.capture,
                                         capture_channel(target.role, target.channel));
  }
  stream->set_send_timeout(target.stall);
  const auto offered =
      offer_preamble(*stream, target.role, target.channel, target.migration_id, target.timeout);
  if (!offered.ok()) return offered.status();
  return std::make_shared<Connection>(std::move(stream), to_text(target.address), offered.value());
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
  arrival.Set("resume", (preamble.flags & wire::kFlagResume) != 0);
  arrival.Set("connection", ConnectionWrap::make(env, connection));
  return arrival;
}

// Arguments: address, credentials or null, stall timeout, and what to call on arrivals, strangers and trouble.
Napi::Value listen(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const milliseconds stall(to_u32(info[2], "stallMs"));
  const Notifier arrived(env, to_function(info[3], "onArrival"), true);
  const Notifier stranger(env, to_function(info[4], "onStranger"), false);
  const Notifier trouble(env, to_function(info[5], "onTrouble"), false);
  auto gate = value_or_throw(
      env, Gate::open(
               to_address(info[0]), to_credentials(info[1]),
               [arrived, stall](Arrival arrival) {
                 arrival.stream->set_send_timeout(stall);
                 auto connection =
                     std::make_shared<Connection>(std::move(arrival.stream), arrival.peer,
                                                  arrival.preamble.features & wire::kFeatures);
                 connection->arrived = {.preamble = arrival.preamble, .send_timeout = stall};
                 arrived.call([connection, preamble = arrival.preamble](Napi::Env env) {
                   return std::vector<napi_value>{to_object(env, preamble, connection)};
                 });
               },
               [stranger](Stranger who) {
                 stranger.call([who](Napi::Env env) {
                   return std::vector<napi_value>{Napi::String::New(env, who.peer),
                                                  Napi::String::New(env, who.reason),
                                                  from_u64(env, who.others)};
                 });
               },
               [trouble](Status status) {
                 trouble.call([status](Napi::Env env) {
                   return std::vector<napi_value>{to_error(env, status).Value()};
                 });
               }));
  return GateWrap::make(env, std::move(gate));
}

}  // namespace

void ConnectionWrap::init(Napi::Env env, Napi::Object exports) {
  define(env, {InstanceMethod("tee", &ConnectionWrap::tee),
               InstanceMethod("answer", &ConnectionWrap::answer),
               InstanceAccessor("peer", &ConnectionWrap::peer, nullptr),
               InstanceAccessor("features", &ConnectionWrap::features, nullptr),
               InstanceMethod("close", &ConnectionWrap::close)});
  export_function<connect>(env, exports, "connect");
}

StreamPtr ConnectionWrap::take(const Napi::Value& value) {
  const auto connection = from(value);
  if (connection->stream == nullptr) {
    throw Napi::Error::New(value.Env(), "this connection is in use already");
  }
  return std::move(connection->stream);
}

// Argument: a capture. The preamble is its first bytes of this channel.
void ConnectionWrap::tee(const Napi::CallbackInfo& info) {
  const auto capture = CaptureFileWrap::from(info[0]);
  Connection& connection = *native();
  if (!connection.arrived.has_value() || connection.stream == nullptr) {
    throw Napi::Error::New(info.Env(), "only a connection that has just arrived is captured");
  }
  const auto& [preamble, send_timeout] = *connection.arrived;
  const auto channel = capture_channel(preamble.role, preamble.channel);
  capture->record_received(channel, std::as_bytes(std::span(&preamble, 1)));
  connection.stream = std::make_unique<TeeStream>(std::move(connection.stream), capture, channel);
  connection.stream->set_send_timeout(send_timeout);
}

Napi::Value ConnectionWrap::answer(const Napi::CallbackInfo& info) {
  const auto status = static_cast<wire::PreambleStatus>(to_u32(info[0], "status"));
  if (native()->stream == nullptr) return Napi::Boolean::New(info.Env(), false);
  const bool sent = answer_preamble(*native()->stream, status).ok();
  return Napi::Boolean::New(info.Env(), sent);
}

Napi::Value ConnectionWrap::peer(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), native()->peer);
}

// The names of those that both sides have.
Napi::Value ConnectionWrap::features(const Napi::CallbackInfo& info) {
  Napi::Array names = Napi::Array::New(info.Env());
  for (const wire::Feature& feature : wire::kFeatureNames) {
    if ((native()->features & feature.bit) == 0) continue;
    names.Set(names.Length(), std::string(feature.name));
  }
  return names;
}

void ConnectionWrap::close(const Napi::CallbackInfo&) { native()->stream.reset(); }

void GateWrap::init(Napi::Env env, Napi::Object exports) {
  define(env, {InstanceAccessor("address", &GateWrap::address, nullptr),
               InstanceMethod("close", &GateWrap::close)});
  export_function<listen>(env, exports, "listen");
}

Napi::Value GateWrap::address(const Napi::CallbackInfo& info) {
  return from_address(info.Env(), native()->address());
}

void GateWrap::close(const Napi::CallbackInfo&) { native()->close(); }

}  // namespace pageferry::napi
