#include "codec/zstd_codec.h"

#include <algorithm>
#include <new>
#include <string>

#include "codec/zstd_frame.h"

// Contexts in memory of our own and frames without a magic number are in the part of the header that is for static
// linking.
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

namespace pageferry {
namespace {

static_assert(ZSTD_VERSION_NUMBER == 10507, "docs/decisions/0034-zstd-sources.md");

// Memory that zstd keeps a context in. It is not cleared, so that the system backs only the pages that are used.
class Workspace {
 public:
  explicit Workspace(std::size_t bytes)
      : bytes_(bytes), memory_(static_cast<std::byte*>(::operator new(bytes, kAlignment))) {}
  std::byte* data() const { return memory_.get(); }
  std::size_t size() const { return bytes_; }

 private:
  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(std::byte* memory) const { ::operator delete(memory, kAlignment); }
  };

  std::size_t bytes_;
  std::unique_ptr<std::byte, Free> memory_;
};

// How zstd compresses a block of so many bytes at this level behind a prefix of so many.
ZSTD_compressionParameters parameters(int level, std::size_t bytes, std::size_t prefix_bytes) {
  auto parameters = ZSTD_getCParams(level, bytes, prefix_bytes);
  const int window_log = zstd_window_log(bytes + prefix_bytes);
  parameters.windowLog = static_cast<unsigned>(window_log);
  // zstd makes entries for no more than the last 2^(hashLog + 3) bytes of a prefix: the low levels would not find
  // the bases of a large block's first pages. A prefix is half of its window.
  if (prefix_bytes > 0) {
    parameters.hashLog = std::max(parameters.hashLog, static_cast<unsigned>(window_log - 1 - 3));
  }
  return parameters;
}

// Of the level and the size that need the most. Parameters change with the next power of two only.
std::size_t encoder_bytes(bool has_prefix) {
  std::size_t most = 0;
  for (int level = kLeastZstdLevel; level <= kMostZstdLevel; ++level) {
    for (std::size_t bytes = kCodecPageBytes; bytes <= kMostBlockBytes; bytes *= 2) {
      const auto needed =
          ZSTD_estimateCCtxSize_usingCParams(parameters(level, bytes, has_prefix ? bytes : 0));
      most = std::max(most, needed);
    }
  }
  return most;
}

class ZstdEncoder final : public BlockEncoder {
 public:
  explicit ZstdEncoder(bool has_prefix)
      : workspace_(encoder_bytes(has_prefix)),
        context_(ZSTD_initStaticCCtx(workspace_.data(), workspace_.size())) {
    ZSTD_CCtx_reset(context_, ZSTD_reset_session_and_parameters);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_format, ZSTD_f_zstd1_magicless);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_contentSizeFlag, 0);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_checksumFlag, 0);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_dictIDFlag, 0);
  }

  std::optional<std::size_t> encode(std::span<const std::byte> pages,
                                    std::span<const std::byte> base, int level,
                                    std::span<std::byte> out) override {
    // Where there is no room there may be no address either, from which zstd would count.
    if (out.empty()) return std::nullopt;
    // A call that ran out of room has left a frame that was begun, and parameters cannot be set within one.
    ZSTD_CCtx_reset(context_, ZSTD_reset_session_only);
    ZSTD_CCtx_setCParams(context_, parameters(level, pages.size(), base.size()));
    ZSTD_CCtx_refPrefix(context_, base.data(), base.size());
    const auto written =
        ZSTD_compress2(context_, out.data(), out.size(), pages.data(), pages.size());
    if (ZSTD_isError(written)) return std::nullopt;
    return written;
  }

 private:
  Workspace workspace_;
  ZSTD_CCtx* context_;  // within the workspace
};

class ZstdDecoder final : public BlockDecoder {
 public:
  ZstdDecoder()
      : workspace_(ZSTD_estimateDCtxSize()),
        prefix_workspace_(ZSTD_estimateDDictSize(0, ZSTD_dlm_byRef)),
        context_(ZSTD_initStaticDCtx(workspace_.data(), workspace_.size())) {
    ZSTD_DCtx_setParameter(context_, ZSTD_d_format, ZSTD_f_zstd1_magicless);
  }

  Status decode(std::span<const std::byte> encoded, std::span<const std::byte> base,
                std::span<std::byte> pages) override {
    const Status frame = check_zstd_frame(encoded, pages.size() + base.size());
    if (!frame.ok()) return frame;
    const auto decoded =
        ZSTD_decompress_usingDDict(context_, pages.data(), pages.size(), encoded.data(),
                                   encoded.size(), base.empty() ? nullptr : prefix(base));
    if (ZSTD_isError(decoded)) {
      return Status(StatusCode::kProtocol,
                    std::string("a zstd frame is wrong: ") + ZSTD_getErrorName(decoded));
    }
    if (decoded != pages.size()) {
      return Status(StatusCode::kProtocol, "a zstd frame must decode to " +
                                               std::to_string(pages.size()) + " bytes; it gave " +
                                               std::to_string(decoded));
    }
    return Status();
  }

 private:
  // ZSTD_DCtx_refPrefix() would do the same with an allocation. As "raw content": a base that begins like a dictionary
  // of zstd is none.
  const ZSTD_DDict* prefix(std::span<const std::byte> base) const {
    return ZSTD_initStaticDDict(prefix_workspace_.data(), prefix_workspace_.size(), base.data(),
                                base.size(), ZSTD_dlm_byRef, ZSTD_dct_rawContent);
  }

  Workspace workspace_;
  Workspace prefix_workspace_;
  ZSTD_DCtx* context_;  // within the workspace
};

}  // namespace

std::unique_ptr<BlockEncoder> make_zstd_encoder() { return std::make_unique<ZstdEncoder>(false); }
std::unique_ptr<BlockDecoder> make_zstd_decoder() { return std::make_unique<ZstdDecoder>(); }
std::unique_ptr<BlockEncoder> make_zstd_delta_encoder() {
  return std::make_unique<ZstdEncoder>(true);
}
std::unique_ptr<BlockDecoder> make_zstd_delta_decoder() { return std::make_unique<ZstdDecoder>(); }

std::string_view zstd_version() { return ZSTD_versionString(); }

}  // namespace pageferry
