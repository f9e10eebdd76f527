#include "napi/inspect_wrap.h"

#include <array>

#include "inspect/encoding_trial.h"
#include "inspect/page_contents.h"
#include "wire/contents.h"

namespace pageferry::napi {

namespace {

// By the PageContent.
constexpr std::array<const char*, kPageContents> kNames = {"zero", "fill", "sparse", "similar",
                                                           "other"};

Encoding to_encoding(const Napi::Value& value) {
  const std::string name = to_text(value, "encoding");
  const wire::ContentTraits* content = wire::find_content(name);
  if (content == nullptr || content->payload != wire::Payload::kBlock) {
    throw Napi::TypeError::New(value.Env(), "there is no encoding called " + name);
  }
  return static_cast<Encoding>(content->id);
}

int to_level(const Napi::Value& value) {
  const auto level = static_cast<int>(to_u32(value, "level"));
  if (level < kLeastZstdLevel || level > kMostZstdLevel) {
    throw Napi::RangeError::New(value.Env(), "level must be 1 to 19");
  }
  return level;
}

std::uint32_t to_page(const Napi::Value& value, const ImageFile& image) {
  const auto page = to_u32(value, "page");
  if (page < image.pages()) return page;
  throw Napi::RangeError::New(value.Env(),
                              "the image has " + std::to_string(image.pages()) + " pages");
}

std::size_t to_block_pages(const Napi::Value& value) {
  const auto pages = to_u32(value, "blockPages");
  if (pages < 1 || pages > kMostBlockPages) {
    throw Napi::RangeError::New(value.Env(), "blockPages must be 1 to 64");
  }
  return pages;
}

Encoding to_baseless(const Napi::Value& value) {
  const Encoding encoding = to_encoding(value);
  if (needs_base(encoding)) {
    throw Napi::TypeError::New(value.Env(), "the first snapshot has no pages before it");
  }
  return encoding;
}

// { encoding, level, blockPages, changes, mostPages }
Trial to_trial(const Napi::Value& value) {
  if (!value.IsObject()) throw Napi::TypeError::New(value.Env(), "a trial must be an object");
  const auto object = value.As<Napi::Object>();
  return {.encoding = to_encoding(object.Get("encoding")),
          .level = to_level(object.Get("level")),
          .block_pages = to_block_pages(object.Get("blockPages")),
          .changes = object.Get("changes").ToBoolean().Value(),
          .most_pages = to_u64(object.Get("mostPages"), "mostPages")};
}

// Its contents are compared with their checksums.
Napi::Value open(const Napi::CallbackInfo& info) {
  return async_call<SharedImage>(
      info.Env(), [path = to_text(info[0], "path")] { return ImageFile::open_checked(path); },
      [](Napi::Env env, SharedImage& image) -> Napi::Value { return ImageWrap::make(env, image); });
}

}  // namespace

void ImageWrap::init(Napi::Env env, Napi::Object exports) {
  define(env, {InstanceMethod("countContents", &ImageWrap::count_contents),
               InstanceMethod("tryEncoding", &ImageWrap::try_encoding),
               InstanceMethod("lookAtPage", &ImageWrap::look_at_page),
               InstanceMethod("tryPage", &ImageWrap::try_page),
               InstanceMethod("tryBlockOf", &ImageWrap::try_block_of)});
  export_function<open>(env, exports, "openImage");
}

Napi::Value ImageWrap::count_contents(const Napi::CallbackInfo& info) {
  return async_call<ContentCounts>(
      info.Env(), [image = native()] { return pageferry::count_contents(*image); },
      [](Napi::Env env, ContentCounts& counts) -> Napi::Value {
        Napi::Object object = Napi::Object::New(env);
        for (std::size_t i = 0; i < counts.size(); ++i) {
          object.Set(kNames[i], from_u64(env, counts[i]));
        }
        return object;
      });
}

Napi::Value ImageWrap::try_encoding(const Napi::CallbackInfo& info) {
  return async_call<TrialResult>(
      info.Env(),
      [image = native(), trial = to_trial(info[0])] {
        return pageferry::try_encoding(*image, trial);
      },
      [](Napi::Env env, TrialResult& result) -> Napi::Value {
        Napi::Object object = Napi::Object::New(env);
        object.Set("pages", from_u64(env, result.pages));
        object.Set("bytesOut", from_u64(env, result.bytes_out));
        object.Set("pagesRaw", from_u64(env, result.pages_raw));
        object.Set("encodeNs", from_u64(env, result.encode_ns));
        object.Set("decodeNs", from_u64(env, result.decode_ns));
        return object;
      });
}

Napi::Value ImageWrap::look_at_page(const Napi::CallbackInfo& info) {
  const auto page = to_page(info[0], *native());
  return async_call<PageContent>(
      info.Env(), [image = native(), page] { return content_at_first(*image, page); },
      [](Napi::Env env, PageContent& content) -> Napi::Value {
        return Napi::String::New(env, kNames[static_cast<std::size_t>(content)]);
      });
}

Napi::Value ImageWrap::try_page(const Napi::CallbackInfo& info) {
  const auto page = to_page(info[0], *native());
  const Encoding encoding = to_baseless(info[1]);
  return async_call<std::optional<std::size_t>>(
      info.Env(),
      [image = native(), page, encoding, level = to_level(info[2])] {
        return pageferry::try_page(*image, page, encoding, level);
      },
      [](Napi::Env env, std::optional<std::size_t>& length) -> Napi::Value {
        return length.has_value() ? from_u64(env, *length) : env.Null();
      });
}

Napi::Value ImageWrap::try_block_of(const Napi::CallbackInfo& info) {
  const auto page = to_page(info[0], *native());
  return async_call<BlockOfPage>(
      info.Env(),
      [image = native(), page, encoding = to_baseless(info[1]), level = to_level(info[2]),
       block_pages = to_block_pages(info[3])] {
        return pageferry::try_block_of(*image, page, encoding, level, block_pages);
      },
      [](Napi::Env env, BlockOfPage& block) -> Napi::Value {
        Napi::Object object = Napi::Object::New(env);
        object.Set("pages", from_u64(env, block.pages));
        object.Set("bytes", block.bytes.has_value() ? from_u64(env, *block.bytes) : env.Null());
        return object;
      });
}

}  // namespace pageferry::napi
