#include "codec/page_wise.h"

#include <cstdint>
#include <cstring>
#include <string>

namespace pageferry {
namespace {

constexpr std::size_t kLengthBytes = 2;

class PageWiseEncoder final : public BlockEncoder {
 public:
  explicit PageWiseEncoder(const PageCodec& codec) : codec_(codec) {}

  std::optional<std::size_t> encode(std::span<const std::byte> pages,
                                    std::span<const std::byte> base, int /*level*/,
                                    std::span<std::byte> out) override {
    std::size_t used = 0;
    for (std::size_t at = 0; at < pages.size(); at += kCodecPageBytes) {
      const PageBytes page = pages.subspan(at).first<kCodecPageBytes>();
      const PageBytes old = codec_.needs_base() ? base.subspan(at).first<kCodecPageBytes>() : page;
      const auto room = out.subspan(used);
      if (room.size() <= kLengthBytes) return std::nullopt;
      const auto most = std::min(room.size() - kLengthBytes, kCodecPageBytes - 1);
      const auto length = codec_.encode(page, old, room.subspan(kLengthBytes, most));
      if (!length.has_value()) {
        if (room.size() < kLengthBytes + kCodecPageBytes) return std::nullopt;
        std::memcpy(room.data() + kLengthBytes, page.data(), page.size());
      }
      const auto written = static_cast<std::uint16_t>(length.value_or(kCodecPageBytes));
      std::memcpy(room.data(), &written, kLengthBytes);
      used += kLengthBytes + written;
    }
    return used;
  }

 private:
  const PageCodec& codec_;
};

class PageWiseDecoder final : public BlockDecoder {
 public:
  explicit PageWiseDecoder(const PageCodec& codec) : codec_(codec) {}

  Status decode(std::span<const std::byte> encoded, std::span<const std::byte> base,
                std::span<std::byte> pages) override {
    for (std::size_t at = 0; at < pages.size(); at += kCodecPageBytes) {
      std::uint16_t length = 0;
      if (encoded.size() < kLengthBytes) return violation("ends before its last page");
      std::memcpy(&length, encoded.data(), kLengthBytes);
      encoded = encoded.subspan(kLengthBytes);
      if (length == 0 || length > kCodecPageBytes || length > encoded.size()) {
        return violation("has a page of " + std::to_string(length) + " bytes");
      }
      const MutablePageBytes page = pages.subspan(at).first<kCodecPageBytes>();
      if (length == kCodecPageBytes) {
        std::memcpy(page.data(), encoded.data(), kCodecPageBytes);
      } else {
        const PageBytes old =
            codec_.needs_base() ? base.subspan(at).first<kCodecPageBytes>() : PageBytes(page);
        const Status decoded = codec_.decode(encoded.first(length), old, page);
        if (!decoded.ok()) return decoded;
      }
      encoded = encoded.subspan(length);
    }
    return encoded.empty() ? Status() : violation("goes on behind its last page");
  }

 private:
  static Status violation(const std::string& what) {
    return Status(StatusCode::kProtocol, "a block encoded page by page " + what);
  }

  const PageCodec& codec_;
};

}  // namespace

std::unique_ptr<BlockEncoder> make_page_wise_encoder(const PageCodec& codec) {
  return std::make_unique<PageWiseEncoder>(codec);
}

std::unique_ptr<BlockDecoder> make_page_wise_decoder(const PageCodec& codec) {
  return std::make_unique<PageWiseDecoder>(codec);
}

}  // namespace pageferry
