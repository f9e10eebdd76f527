#include "codec/lz4_delta_codec.h"

#include <lz4.h>

#include <algorithm>
#include <string>

namespace pageferry {
namespace {

constexpr int kDefaultAcceleration = 1;
constexpr int kPage = static_cast<int>(kCodecPageBytes);
constexpr std::size_t kMostEncodedBytes = LZ4_COMPRESSBOUND(kCodecPageBytes);

const char* chars(const std::byte* bytes) { return reinterpret_cast<const char*>(bytes); }
char* chars(std::byte* bytes) { return reinterpret_cast<char*>(bytes); }

}  // namespace

std::optional<std::size_t> Lz4DeltaCodec::encode(PageBytes page, PageBytes base,
                                                 std::span<std::byte> out) const {
  // Where there is no room there may be no address either, from which LZ4 would count.
  if (out.empty()) return std::nullopt;
  LZ4_stream_t stream;  // 16 KiB, which LZ4_loadDict() clears
  LZ4_loadDict(&stream, chars(base.data()), kPage);
  const int written = LZ4_compress_fast_continue(
      &stream, chars(page.data()), chars(out.data()), kPage,
      static_cast<int>(std::min(out.size(), kMostEncodedBytes)), kDefaultAcceleration);
  if (written <= 0) return std::nullopt;
  return static_cast<std::size_t>(written);
}

Status Lz4DeltaCodec::decode(std::span<const std::byte> encoded, PageBytes base,
                             MutablePageBytes page) const {
  // LZ4 counts bytes in int.
  const int decoded = encoded.size() > kMostEncodedBytes
                          ? -1
                          : LZ4_decompress_safe_usingDict(chars(encoded.data()), chars(page.data()),
                                                          static_cast<int>(encoded.size()), kPage,
                                                          chars(base.data()), kPage);
  if (decoded == kPage) return Status();
  return Status(StatusCode::kProtocol, "an LZ4 delta of " + std::to_string(encoded.size()) +
                                           " bytes is not that of a page");
}

}  // namespace pageferry
