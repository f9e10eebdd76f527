#include "codec/lz4_codec.h"

#include <string>

// The functions for a kept state are in the part of the header that is for static linking.
#define LZ4_STATIC_LINKING_ONLY
#include <lz4.h>

namespace pageferry {
namespace {

static_assert(LZ4_VERSION_NUMBER == 11000, "docs/decisions/0002-lz4-sources-from-lmdb.md");

constexpr int kDefaultAcceleration = 1;
constexpr std::size_t kMostEncodedBytes = LZ4_COMPRESSBOUND(kMostBlockBytes);

Status violation(const std::string& what) {
  return Status(StatusCode::kProtocol, "an LZ4 block " + what);
}

class Lz4Encoder final : public BlockEncoder {
 public:
  // Once: every call leaves a state from which the next one can begin without clearing the table.
  Lz4Encoder() { LZ4_initStream(&state_, sizeof(state_)); }

  std::optional<std::size_t> encode(std::span<const std::byte> pages,
                                    std::span<const std::byte> /*base*/, int /*level*/,
                                    std::span<std::byte> out) override {
    // Where there is no room there may be no address either, from which LZ4 would count.
    if (out.empty()) return std::nullopt;
    const int written = LZ4_compress_fast_extState_fastReset(
        &state_, reinterpret_cast<const char*>(pages.data()), reinterpret_cast<char*>(out.data()),
        static_cast<int>(pages.size()), static_cast<int>(std::min(out.size(), kMostEncodedBytes)),
        kDefaultAcceleration);
    if (written <= 0) return std::nullopt;
    return static_cast<std::size_t>(written);
  }

 private:
  LZ4_stream_t state_;
};

class Lz4Decoder final : public BlockDecoder {
 public:
  Status decode(std::span<const std::byte> encoded, std::span<const std::byte> /*base*/,
                std::span<std::byte> pages) override {
    // LZ4 counts bytes in int.
    if (encoded.size() > kMostEncodedBytes) {
      return violation("of " + std::to_string(encoded.size()) + " bytes is longer than any can be");
    }
    const int decoded = LZ4_decompress_safe(
        reinterpret_cast<const char*>(encoded.data()), reinterpret_cast<char*>(pages.data()),
        static_cast<int>(encoded.size()), static_cast<int>(pages.size()));
    if (decoded < 0) {
      return violation("of " + std::to_string(encoded.size()) + " bytes is not valid");
    }
    if (static_cast<std::size_t>(decoded) != pages.size()) {
      return violation("must decode to " + std::to_string(pages.size()) + " bytes; it gave " +
                       std::to_string(decoded));
    }
    return Status();
  }
};

}  // namespace

std::unique_ptr<BlockEncoder> make_lz4_encoder() { return std::make_unique<Lz4Encoder>(); }
std::unique_ptr<BlockDecoder> make_lz4_decoder() { return std::make_unique<Lz4Decoder>(); }

std::string_view lz4_version() { return LZ4_versionString(); }

}  // namespace pageferry
