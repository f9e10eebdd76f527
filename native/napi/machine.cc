#include "napi/machine.h"

#include <bit>
#include <chrono>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "codec/block_codec.h"
#include "codec/lz4_codec.h"
#include "napi/wrap.h"
#include "receive/record_applier.h"
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

const char* payload_name(wire::Payload payload) {
  switch (payload) {
    case wire::Payload::kPages:
      return "pages";
    case wire::Payload::kNone:
      return "none";
    case wire::Payload::kWord:
      return "word";
    case wire::Payload::kBlock:
      return "block";
    case wire::Payload::kBitmap:
      return "bitmap";
  }
  return "none";
}

struct NamedNumber {
  const char* name;
  double number;
};

template <class Value>
NamedNumber named(const char* name, Value value) {
  return {name, static_cast<double>(value)};
}

Napi::Object to_object(Napi::Env env, std::initializer_list<NamedNumber> numbers) {
  Napi::Object object = Napi::Object::New(env);
  for (const NamedNumber& one : numbers) object.Set(one.name, Napi::Number::New(env, one.number));
  return object;
}

Napi::Object contents_object(Napi::Env env) {
  Napi::Object contents = Napi::Object::New(env);
  for (const wire::ContentTraits& content : wire::kContents) {
    Napi::Object traits =
        to_object(env, {named("id", content.id), named("mostPages", content.most_pages)});
    traits.Set("payload", payload_name(content.payload));
    traits.Set("needsBase", content.needs_base);
    contents.Set(std::string(content.name), traits);
  }
  return contents;
}

Napi::Value protocol_constants(const Napi::CallbackInfo& info) {
  using std::chrono::milliseconds;
  const Napi::Env env = info.Env();
  Napi::Object object = to_object(
      env,
      {named("version", wire::kVersion), named("preambleBytes", sizeof(wire::Preamble)),
       named("preambleHeadBytes", wire::kPreambleHeadBytes),
       named("preambleTimeoutMs", milliseconds(wire::kPreambleTimeout).count()),
       named("preambleReplyBytes", sizeof(wire::PreambleReply)),
       named("preambleReplyHeadBytes", wire::kReplyHeadBytes),
       named("maxPending", wire::kMaxNewcomers),
       named("maxPendingOfAddress", wire::kMaxNewcomersOfHost),
       named("recordHeaderBytes", sizeof(wire::RecordHeader)),
       named("tableEntryBytes", sizeof(wire::TableEntry)), named("maxEntries", wire::kMaxEntries),
       named("maxPayloadBytes", wire::kMaxPayloadBytes),
       named("maxPagesPerEntry", wire::kMaxPagesPerEntry),
       named("maxHeldBytes", RecordApplier::kMostHeldBytes),
       named("stripePages", wire::kStripePages), named("maxMembers", wire::kMaxMembers),
       named("optionalBit", wire::kOptionalBit)});
  object.Set("magic", from_bytes(env, {wire::kMagic.begin(), wire::kMagic.end()}));
  // More bits than a number holds exactly.
  object.Set("stripeFactor", Napi::BigInt::New(env, wire::kStripeFactor));
  object.Set("roles", to_object(env, {named("control", wire::Role::kControl),
                                      named("page", wire::Role::kPage),
                                      named("fault", wire::Role::kFault)}));
  using enum wire::PreambleStatus;
  object.Set("statuses",
             to_object(env, {named("accepted", kAccepted),
                             named("version-not-supported", kVersionNotSupported),
                             named("unknown-migration", kUnknownMigration), named("busy", kBusy),
                             named("not-resumable", kNotResumable), named("id-in-use", kIdInUse)}));
  object.Set("flags", to_object(env, {named("resume", std::countr_zero(wire::kFlagResume))}));
  Napi::Object features = Napi::Object::New(env);
  for (const wire::Feature& feature : wire::kFeatureNames) {
    features.Set(std::string(feature.name), Napi::Number::New(env, std::countr_zero(feature.bit)));
  }
  object.Set("features", features);
  object.Set("recordTypes", to_object(env, {named("pages", wire::RecordType::kPages),
                                            named("sync", wire::RecordType::kSync),
                                            named("request", wire::RecordType::kRequest)}));
  object.Set("contents", contents_object(env));
  return object;
}

Encoding to_encoding(const Napi::Value& value) {
  const std::string name = to_text(value, "encoding");
  const wire::ContentTraits* content = wire::find_content(name);
  if (content == nullptr || content->payload != wire::Payload::kBlock) {
    throw Napi::TypeError::New(value.Env(), "there is no encoding called " + name);
  }
  return static_cast<Encoding>(content->id);
}

std::span<const std::byte> bytes_of(const std::vector<std::uint8_t>& bytes) {
  return std::as_bytes(std::span(bytes));
}

void check_block(Napi::Env env, std::size_t bytes) {
  if (bytes >= kCodecPageBytes && bytes <= kMostBlockBytes && bytes % kCodecPageBytes == 0) return;
  throw Napi::RangeError::New(env, "a block has 1 to 64 pages");
}

// Of a block of so many bytes. It may be null where the encoding needs none.
std::vector<std::uint8_t> to_base(const Napi::Value& value, Encoding encoding, std::size_t bytes) {
  if (!needs_base(encoding)) return {};
  auto base = to_bytes(value, "base");
  if (base.size() == bytes) return base;
  throw Napi::RangeError::New(value.Env(), "the base must be as long as the block");
}

// Arguments: encoding, level, pages, base. The encoded bytes, or null when they are not fewer.
Napi::Value encode_block(const Napi::CallbackInfo& info) {
  const Encoding encoding = to_encoding(info[0]);
  const auto level = static_cast<int>(to_u32(info[1], "level"));
  if (level < kLeastZstdLevel || level > kMostZstdLevel) {
    throw Napi::RangeError::New(info.Env(), "level must be 1 to 19");
  }
  const auto pages = to_bytes(info[2], "pages");
  check_block(info.Env(), pages.size());
  const auto base = to_base(info[3], encoding, pages.size());
  std::vector<std::uint8_t> out(pages.size() - 1);
  const auto length = make_block_encoder(encoding)->encode(bytes_of(pages), bytes_of(base), level,
                                                           std::as_writable_bytes(std::span(out)));
  if (!length.has_value()) return info.Env().Null();
  out.resize(*length);
  return from_bytes(info.Env(), out);
}

// Arguments: encoding, encoded bytes, bytes of the block, base.
Napi::Value decode_block(const Napi::CallbackInfo& info) {
  const Encoding encoding = to_encoding(info[0]);
  const auto encoded = to_bytes(info[1], "encoded");
  const auto bytes = to_u32(info[2], "bytes");
  check_block(info.Env(), bytes);
  const auto base = to_base(info[3], encoding, bytes);
  std::vector<std::uint8_t> pages(bytes);
  throw_unless_ok(info.Env(),
                  make_block_decoder(encoding)->decode(bytes_of(encoded), bytes_of(base),
                                                       std::as_writable_bytes(std::span(pages))));
  return from_bytes(info.Env(), pages);
}

Napi::Value codec_library_version(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), std::string(lz4_version()));
}

}  // namespace

void init_machine(Napi::Env env, Napi::Object exports) {
  export_function<probe>(env, exports, "probe");
  export_function<protocol_constants>(env, exports, "protocolConstants");
  export_function<encode_block>(env, exports, "encodeBlock");
  export_function<decode_block>(env, exports, "decodeBlock");
  export_function<codec_library_version>(env, exports, "lz4Version");
}

}  // namespace pageferry::napi
