// JavaScript class Image: an image file that is open and whose contents were checked, and what encodings make of its pages. No byte of a page
// gets into JavaScript's memory.
#pragma once

#include "image/image_file.h"
#include "napi/wrap.h"

namespace pageferry::napi {

class ImageWrap : public Wrap<ImageWrap, const ImageFile> {
 public:
  static constexpr const char* kName = "Image";
  static constexpr napi_type_tag kTag = {0x5067f001, 19};
  using Wrap::Wrap;
  static void init(Napi::Env env, Napi::Object exports);

 private:
  Napi::Value count_contents(const Napi::CallbackInfo& info);
  Napi::Value try_encoding(const Napi::CallbackInfo& info);
  Napi::Value look_at_page(const Napi::CallbackInfo& info);
  Napi::Value try_page(const Napi::CallbackInfo& info);
  Napi::Value try_block_of(const Napi::CallbackInfo& info);
};

}  // namespace pageferry::napi
