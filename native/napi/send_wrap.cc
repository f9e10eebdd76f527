#include "napi/send_wrap.h"

#include "napi/connection_wrap.h"
#include "napi/memory_wrap.h"
#include "send/rung_cost.h"

namespace pageferry::napi {

namespace {

Napi::Value milliseconds(Napi::Env env, std::uint64_t nanoseconds) {
  return Napi::Number::New(env, static_cast<double>(nanoseconds) / 1e6);
}

Napi::Object from_content(Napi::Env env, const ContentStats& stats) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("pages", from_u64(env, stats.pages));
  object.Set("bytesIn", from_u64(env, stats.bytes_in));
  object.Set("bytesOut", from_u64(env, stats.bytes_out));
  object.Set("encodeMs", milliseconds(env, stats.encode_ns));
  return object;
}

// Of the contents of which there are pages.
Napi::Object from_contents(Napi::Env env, const ClassStats& stats) {
  Napi::Object contents = Napi::Object::New(env);
  for (const wire::ContentTraits& content : wire::kContents) {
    const ContentStats& row = stats[content.id];
    if (row.pages == 0 && row.encode_ns == 0) continue;
    contents.Set(std::string(content.name), from_content(env, row));
  }
  return contents;
}

Napi::Object from_zstd_levels(Napi::Env env, const ClassStats& stats) {
  Napi::Object levels = Napi::Object::New(env);
  for (std::uint8_t level = kLeastZstdLevel; level <= kMostZstdLevel; ++level) {
    const ContentStats& row = stats.zstd_level(level);
    if (row.pages > 0) levels.Set(std::uint32_t{level}, from_content(env, row));
  }
  return levels;
}

Napi::Value from_stats(Napi::Env env, SendStats& stats) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("contents", from_contents(env, stats.contents));
  object.Set("zstdLevels", from_zstd_levels(env, stats.contents));
  object.Set("pagesSkipped", from_u64(env, stats.pages_skipped));
  object.Set("wireBytes", from_u64(env, stats.wire_bytes));
  object.Set("ms", milliseconds(env, stats.nanoseconds));
  Napi::Object waits = Napi::Object::New(env);
  waits.Set("socketMs", milliseconds(env, stats.waits.socket_ns));
  waits.Set("rateMs", milliseconds(env, stats.waits.rate_ns));
  waits.Set("encoderMs", milliseconds(env, stats.waits.encoder_ns));
  object.Set("waits", waits);
  return object;
}

// What a call of a PageSender uses until it is over.
struct Sending {
  std::shared_ptr<PageBitmap> pages = nullptr;
  std::shared_ptr<DirtyTracker> tracker = nullptr;
  std::shared_ptr<ResidualSet> residual = nullptr;
  std::shared_ptr<PushWidth> width = nullptr;
};

// Keeps what is used, and lets go of it before the promise settles.
PageSender::OnSent letting_go(Sending used, PageSender::OnSent settle) {
  return [used = std::move(used), settle = std::move(settle)](Result<SendStats> sent) mutable {
    used = {};
    settle(std::move(sent));
  };
}

Napi::Value create_bucket(const Napi::CallbackInfo& info) {
  const auto rate = to_u64(info[0], "rateBytesPerSecond");
  return TokenBucketWrap::make(info.Env(), std::make_shared<TokenBucket>(rate));
}

Napi::Value create_residual(const Napi::CallbackInfo& info) {
  const auto memory = GuestMemoryWrap::from(info[0]);
  return ResidualSetWrap::make(info.Env(), std::make_shared<ResidualSet>(memory->page_count()));
}

Encoding to_encoding(const Napi::Value& value) {
  const std::string name = to_text(value, "encoding");
  const wire::ContentTraits* content = wire::find_content(name);
  if (content == nullptr || content->payload != wire::Payload::kBlock || content->needs_base) {
    throw Napi::TypeError::New(value.Env(), "no rung encodes by " + name);
  }
  return static_cast<Encoding>(content->id);
}

// { method: 'raw' }, { method: 'blocks', encoding, level, blockPages } or { method: 'mecom' }.
Rung to_rung(const Napi::Value& value) {
  if (!value.IsObject()) throw Napi::TypeError::New(value.Env(), "a rung must be an object");
  const auto object = value.As<Napi::Object>();
  const std::string method = to_text(object.Get("method"), "method");
  if (method == "raw") return {};
  if (method == "mecom") return {.method = Method::kMecom};
  if (method != "blocks") throw Napi::TypeError::New(value.Env(), "no method is called " + method);
  const auto level = to_u32(object.Get("level"), "level");
  const auto block_pages = to_u32(object.Get("blockPages"), "blockPages");
  if (level < kLeastZstdLevel || level > kMostZstdLevel || block_pages < 1 ||
      block_pages > kMostBlockPages) {
    throw Napi::RangeError::New(value.Env(), "level must be 1 to 19 and blockPages 1 to 64");
  }
  return {.method = Method::kBlocks,
          .encoding = to_encoding(object.Get("encoding")),
          .level = static_cast<std::uint8_t>(level),
          .block_pages = static_cast<std::uint8_t>(block_pages)};
}

Deltas to_deltas(const Napi::Value& value) {
  const std::string name = to_text(value, "deltas");
  if (name == "none") return Deltas::kNone;
  if (name == "zstd") return Deltas::kZstd;
  if (name == "lz4") return Deltas::kLz4;
  if (name == "xbzrle") return Deltas::kXbzrle;
  if (name == "by-change") return Deltas::kByChange;
  throw Napi::TypeError::New(value.Env(), "no deltas are called " + name);
}

// { lower, upper, deltas, encoders, queueBytes }.
EffortPlan to_plan(const Napi::Value& value) {
  if (!value.IsObject()) throw Napi::TypeError::New(value.Env(), "a plan must be an object");
  const auto object = value.As<Napi::Object>();
  const auto encoders = to_u32(object.Get("encoders"), "encoders");
  const auto queue_units = to_u64(object.Get("queueBytes"), "queueBytes") >> 16;
  if (encoders > 255 || queue_units < 1 || queue_units > 65535) {
    throw Napi::RangeError::New(value.Env(),
                                "encoders must be at most 255 and queueBytes 64 KiB to 4 GiB");
  }
  return {.lower = to_rung(object.Get("lower")),
          .upper = to_rung(object.Get("upper")),
          .deltas = to_deltas(object.Get("deltas")),
          .encoders = static_cast<std::uint8_t>(encoders),
          .queue_units = static_cast<std::uint16_t>(queue_units)};
}

// Arguments: memory, connections, bucket, { effort, encoders, versionBytes }, send buffer bytes (0: the kernel decides).
Napi::Value create_sender(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto memory = GuestMemoryWrap::from(info[0]);
  auto bucket = TokenBucketWrap::from(info[2]);
  if (!info[3].IsObject()) throw Napi::TypeError::New(env, "encoding must be an object");
  const auto encoding = info[3].As<Napi::Object>();
  const auto encoders = to_u32(encoding.Get("encoders"), "encoders");
  if (encoders > 255) throw Napi::RangeError::New(env, "encoders must be at most 255");
  const auto nice = to_u32(encoding.Get("encoderNice"), "encoderNice");
  if (nice > 19) throw Napi::RangeError::New(env, "encoderNice must be at most 19");
  const PageSender::Options options = {
      .effort = to_plan(encoding.Get("effort")),
      .encoders = encoders,
      .encoder_nice = static_cast<int>(nice),
      .version_bytes = to_u64(encoding.Get("versionBytes"), "versionBytes"),
  };
  const auto buffer_bytes = to_u32(info[4], "sendBufferBytes");
  if (!info[1].IsArray() || info[1].As<Napi::Array>().Length() == 0) {
    throw Napi::TypeError::New(env, "connections must be an array of at least one");
  }
  const auto connections = info[1].As<Napi::Array>();
  std::vector<StreamPtr> streams;
  for (std::uint32_t i = 0; i < connections.Length(); ++i) {
    streams.push_back(ConnectionWrap::take(connections.Get(i)));
    if (buffer_bytes != 0) streams.back()->set_send_buffer(static_cast<int>(buffer_bytes));
  }
  return PageSenderWrap::make(
      env, value_or_throw(env, PageSender::create(std::move(memory), std::move(streams),
                                                  std::move(bucket), options)));
}

// Arguments: rungs that encode blocks, a sample of 1 to 4096 pages. Promises the nanoseconds a page of each.
Napi::Value measure_rungs(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsArray()) throw Napi::TypeError::New(env, "rungs must be a list");
  const auto list = info[0].As<Napi::Array>();
  std::vector<Rung> rungs;
  for (std::uint32_t i = 0; i < list.Length(); ++i) {
    rungs.push_back(to_rung(list.Get(i)));
    if (rungs.back().method != Method::kBlocks) {
      throw Napi::TypeError::New(env, "only rungs that encode blocks can be measured");
    }
  }
  auto sample = to_bytes(info[1], "sample");
  if (sample.empty() || sample.size() % kPageBytes != 0 || sample.size() > 4096 * kPageBytes) {
    throw Napi::RangeError::New(env, "sample must be 1 to 4096 pages");
  }
  using Costs = std::vector<double>;
  return async_call<Costs>(
      env,
      [rungs = std::move(rungs), sample = std::move(sample)]() -> Result<Costs> {
        Costs costs;
        for (const Rung& rung : rungs) {
          costs.push_back(nanoseconds_a_page(rung, std::as_bytes(std::span(sample))));
        }
        return costs;
      },
      [](Napi::Env env, Costs& costs) -> Napi::Value {
        Napi::Array array = Napi::Array::New(env);
        for (const double cost : costs) array.Set(array.Length(), Napi::Number::New(env, cost));
        return array;
      });
}

Napi::Value start_page_server(const Napi::CallbackInfo& info) {
  auto server = value_or_throw(
      info.Env(), PageServer::start(GuestMemoryWrap::from(info[0]), ResidualSetWrap::from(info[1]),
                                    TokenBucketWrap::from(info[2]), ConnectionWrap::take(info[3]),
                                    failure_callback(info.Env(), info[4])));
  return PageServerWrap::make(info.Env(), std::move(server));
}

}  // namespace

void TokenBucketWrap::init(Napi::Env env, Napi::Object exports) {
  define(env, {InstanceMethod("setRate", &TokenBucketWrap::set_rate)});
  export_function<create_bucket>(env, exports, "createTokenBucket");
}

void TokenBucketWrap::set_rate(const Napi::CallbackInfo& info) {
  native()->set_rate(to_u64(info[0], "rateBytesPerSecond"));
}

void ResidualSetWrap::init(Napi::Env env, Napi::Object exports) {
  define(env, {InstanceMethod("count", &ResidualSetWrap::count),
               InstanceMethod("add", &ResidualSetWrap::add)});
  export_function<create_residual>(env, exports, "createResidualSet");
}

Napi::Value ResidualSetWrap::count(const Napi::CallbackInfo& info) {
  return from_u64(info.Env(), native()->pages().count());
}

void ResidualSetWrap::add(const Napi::CallbackInfo& info) {
  const auto pages = PageSetWrap::from(info[0]);
  if (pages->page_count() != native()->pages().page_count()) {
    throw Napi::TypeError::New(info.Env(), "this page set belongs to another memory");
  }
  native()->pages().merge(*pages);
}

void PageSenderWrap::init(Napi::Env env, Napi::Object exports) {
  define(env, {InstanceMethod("sendRound", &PageSenderWrap::send_round),
               InstanceMethod("finalRound", &PageSenderWrap::final_round),
               InstanceMethod("push", &PageSenderWrap::push),
               InstanceAccessor("lastSync", &PageSenderWrap::last_sync, nullptr),
               InstanceMethod("progress", &PageSenderWrap::progress),
               InstanceMethod("unacknowledgedBytes", &PageSenderWrap::unacknowledged_bytes),
               InstanceMethod("link", &PageSenderWrap::link),
               InstanceMethod("setEffort", &PageSenderWrap::set_effort),
               InstanceAccessor("versionBytes", &PageSenderWrap::version_bytes, nullptr),
               InstanceMethod("cancel", &PageSenderWrap::cancel)});
  export_function<create_sender>(env, exports, "createPageSender");
  export_function<measure_rungs>(env, exports, "measureRungs");
}

Napi::Value PageSenderWrap::send_round(const Napi::CallbackInfo& info) {
  const Sending sending = {.pages = PageSetWrap::from(info[0]),
                           .tracker = DirtyTrackerWrap::from(info[1])};
  return promise_of<SendStats>(
      info.Env(),
      [&, sender = native()](auto settle) {
        sender->send_round(*sending.pages, sending.tracker.get(), letting_go(sending, settle));
      },
      from_stats);
}

// Arguments: pages, tracker or null, whether to announce them as missing.
Napi::Value PageSenderWrap::final_round(const Napi::CallbackInfo& info) {
  Sending sending = {.pages = PageSetWrap::from(info[0])};
  if (!info[1].IsNull()) sending.tracker = DirtyTrackerWrap::from(info[1]);
  const auto what =
      info[2].ToBoolean() ? PageSender::FinalRound::kAnnounce : PageSender::FinalRound::kSend;
  return promise_of<SendStats>(
      info.Env(),
      [&, sender = native()](auto settle) {
        sender->final_round(*sending.pages, sending.tracker.get(), what,
                            letting_go(sending, settle));
      },
      from_stats);
}

Napi::Value PageSenderWrap::push(const Napi::CallbackInfo& info) {
  const Sending sending = {.residual = ResidualSetWrap::from(info[0]),
                           .width = std::make_shared<PushWidth>()};
  return promise_of<SendStats>(
      info.Env(),
      [&, sender = native()](auto settle) {
        sender->push(*sending.residual, *sending.width, letting_go(sending, settle));
      },
      from_stats);
}

Napi::Value PageSenderWrap::last_sync(const Napi::CallbackInfo& info) {
  return from_u64(info.Env(), native()->last_sync());
}

Napi::Value PageSenderWrap::progress(const Napi::CallbackInfo& info) {
  const auto progress = native()->progress();
  Napi::Object object = Napi::Object::New(info.Env());
  const Napi::Env env = info.Env();
  Napi::Object pages = Napi::Object::New(env);
  for (const wire::ContentTraits& content : wire::kContents) {
    const std::uint64_t count = progress.pages[content.id];
    if (count > 0) pages.Set(std::string(content.name), from_u64(env, count));
  }
  object.Set("pages", pages);
  object.Set("contents", from_contents(env, progress.contents));
  object.Set("zstdLevels", from_zstd_levels(env, progress.contents));
  object.Set("wireBytes", from_u64(env, progress.wire_bytes));
  return object;
}

Napi::Value PageSenderWrap::unacknowledged_bytes(const Napi::CallbackInfo& info) {
  return from_u64(info.Env(), native()->unacknowledged_bytes());
}

// An object, or null.
Napi::Value PageSenderWrap::link(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto link = native()->link();
  if (!link.has_value()) return env.Null();
  Napi::Object object = Napi::Object::New(env);
  object.Set("deliveredBytes", from_u64(env, link->acknowledged_bytes));
  object.Set("deliveryBytesPerSecond",
             link->delivery_rate == 0 ? env.Null() : from_u64(env, link->delivery_rate));
  const auto milliseconds = [&](std::uint64_t us) {
    return Napi::Number::New(env, static_cast<double>(us) / 1000.0);
  };
  object.Set("busyMs", milliseconds(link->busy_us));
  object.Set("roundTripMs", milliseconds(link->smoothed_us));
  object.Set("leastRoundTripMs", milliseconds(link->least_us));
  return object;
}

void PageSenderWrap::set_effort(const Napi::CallbackInfo& info) {
  native()->set_effort(to_plan(info[0]));
}

Napi::Value PageSenderWrap::version_bytes(const Napi::CallbackInfo& info) {
  return from_u64(info.Env(), native()->version_bytes());
}

void PageSenderWrap::cancel(const Napi::CallbackInfo&) { native()->cancel(); }

void PageServerWrap::init(Napi::Env env, Napi::Object exports) {
  define(env, {InstanceMethod("compress", &PageServerWrap::compress),
               InstanceMethod("stats", &PageServerWrap::stats),
               InstanceMethod("close", &PageServerWrap::close)});
  export_function<start_page_server>(env, exports, "startPageServer");
}

void PageServerWrap::compress(const Napi::CallbackInfo& info) {
  native()->compress(info[0].ToBoolean());
}

Napi::Value PageServerWrap::stats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Object object = Napi::Object::New(env);
  object.Set("pages", from_u64(env, native()->pages_served()));
  object.Set("pagesZero", from_u64(env, native()->zero_pages_served()));
  object.Set("pagesLz4", from_u64(env, native()->lz4_pages_served()));
  object.Set("wireBytes", from_u64(env, native()->wire_bytes()));
  return object;
}

void PageServerWrap::close(const Napi::CallbackInfo&) { native()->close(); }

}  // namespace pageferry::napi
