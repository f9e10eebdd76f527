#include "napi/machine.h"

#include <optional>
#include <vector>

#include "codec/lz4_codec.h"
#include "codec/page_codec.h"
#include "napi/wrap.h"
#include "tracker/tracker_probe.h"
#include "wire/records.h"

namespace pageferry::napi {

namespace {

Napi::Value probe(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string backing = to_text(info[0], "backing");
  const TrackerProbe probe =
      probe_trackers(backing == "private" ? Backing::kPrivate : Backing::kShared);
  Napi::Array capabilities = Napi::Array::New(env);
  for (const Capability& capability : probe.capabilities) {
    Napi::Object item = Napi::Object::New(env);
    item.Set("name", capability.name);
    item.Set("available", capability.available);
    item.Set("reason", capability.reason);
    item.Set("remedy", capability.remedy);
    capabilities.Set(capabilities.Length(), item);
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("kernel", probe.kernel);
  object.Set("capabilities", capabilities);
  object.Set("tracker", std::string(tracker_name(probe.chosen)));
  return object;
}

Napi::Value protocol_constants(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto number = [env](auto value) {
    return Napi::Number::New(env, static_cast<double>(value));
  };
  Napi::Object object = Napi::Object::New(env);
  object.Set("magic", from_bytes(env, {wire::kMagic.begin(), wire::kMagic.end()}));
  object.Set("version", number(wire::kVersion));
  object.Set("preambleBytes", number(sizeof(wire::Preamble)));
  object.Set("preambleReplyBytes", number(sizeof(wire::PreambleReply)));
  object.Set("recordHeaderBytes", number(sizeof(wire::RecordHeader)));
  object.Set("tableEntryBytes", number(sizeof(wire::TableEntry)));
  object.Set("maxEntries", number(wire::kMaxEntries));
  object.Set("maxPayloadBytes", number(wire::kMaxPayloadBytes));
  object.Set("maxPagesPerEntry", number(wire::kMaxPagesPerEntry));
  object.Set("stripePages", number(wire::kStripePages));
  // More bits than a number holds exactly.
  object.Set("stripeFactor", Napi::BigInt::New(env, wire::kStripeFactor));
  Napi::Object roles = Napi::Object::New(env);
  roles.Set("control", number(wire::Role::kControl));
  roles.Set("page", number(wire::Role::kPage));
  roles.Set("fault", number(wire::Role::kFault));
  object.Set("roles", roles);
  Napi::Object statuses = Napi::Object::New(env);
  statuses.Set("accepted", number(wire::PreambleStatus::kAccepted));
  statuses.Set("version-not-supported", number(wire::PreambleStatus::kVersionNotSupported));
  statuses.Set("unknown-migration", number(wire::PreambleStatus::kUnknownMigration));
  statuses.Set("busy", number(wire::PreambleStatus::kBusy));
  object.Set("statuses", statuses);
  Napi::Object records = Napi::Object::New(env);
  records.Set("pages", number(wire::RecordType::kPages));
  records.Set("sync", number(wire::RecordType::kSync));
  records.Set("request", number(wire::RecordType::kRequest));
  object.Set("recordTypes", records);
  Napi::Object contents = Napi::Object::New(env);
  contents.Set("raw", number(PageCodecId::kRaw));
  contents.Set("zero", number(PageCodecId::kZero));
  contents.Set("lz4", number(PageCodecId::kLz4));
  contents.Set("missing", number(wire::kContentMissing));
  object.Set("contents", contents);
  return object;
}

const PageCodec& to_codec(const Napi::Value& value) {
  const std::string name = to_text(value, "codec");
  const PageCodec* codec = find_page_codec(name);
  if (codec == nullptr) {
    throw Napi::TypeError::New(value.Env(), "there is no page codec called " + name);
  }
  return *codec;
}

std::span<const std::byte> bytes_of(const std::vector<std::uint8_t>& bytes) {
  return std::as_bytes(std::span(bytes));
}

// Arguments: codec name, page. The encoded bytes, or null when the codec does not shorten the page.
Napi::Value encode_page(const Napi::CallbackInfo& info) {
  const PageCodec& codec = to_codec(info[0]);
  const auto page = to_bytes(info[1], "page");
  std::vector<std::uint8_t> out(page.size());
  const auto length = codec.encode(bytes_of(page), std::as_writable_bytes(std::span(out)));
  if (!length.has_value()) return info.Env().Null();
  out.resize(*length);
  return from_bytes(info.Env(), out);
}

// Arguments: codec name, encoded bytes, page size in bytes.
Napi::Value decode_page(const Napi::CallbackInfo& info) {
  const PageCodec& codec = to_codec(info[0]);
  const auto encoded = to_bytes(info[1], "encoded");
  const auto page_bytes = to_u32(info[2], "pageBytes");
  if (page_bytes > wire::kMaxPayloadBytes) {
    throw Napi::RangeError::New(info.Env(), "pageBytes must be at most 4 MiB");
  }
  std::vector<std::uint8_t> page(page_bytes);
  throw_unless_ok(info.Env(),
                  codec.decode(bytes_of(encoded), std::as_writable_bytes(std::span(page))));
  return from_bytes(info.Env(), page);
}

Napi::Value codec_library_version(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), std::string(lz4_version()));
}

}  // namespace

void init_machine(Napi::Env env, Napi::Object exports) {
  export_function<probe>(env, exports, "probe");
  export_function<protocol_constants>(env, exports, "protocolConstants");
  export_function<encode_page>(env, exports, "encodePage");
  export_function<decode_page>(env, exports, "decodePage");
  export_function<codec_library_version>(env, exports, "lz4Version");
}

}  // namespace pageferry::napi
