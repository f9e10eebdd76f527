// Every block codec: anything decoded, and pages there and back.
//
// Input: 1 byte which encoding, 1 byte how many pages, 1 byte which level, 1 byte which base, 2 bytes room for an encoding;
// then bytes that are an encoding, and the beginning of pages.
#include "codec/block_codec.h"

#include <array>

#include "fuzz/target.h"

namespace pageferry::fuzzing {

namespace {

struct Codec {
  explicit Codec(Encoding of)
      : encoding(of), encoder(make_block_encoder(of)), decoder(make_block_decoder(of)) {}

  Encoding encoding;
  std::unique_ptr<BlockEncoder> encoder;
  std::unique_ptr<BlockDecoder> decoder;
};

// Kept from input to input, as they are in use: nothing that one has met may change the next.
Codec& codec_of(std::uint8_t choice) {
  static std::array codecs = {
      Codec(Encoding::kLz4),      Codec(Encoding::kZstd),   Codec(Encoding::kWkdm64),
      Codec(Encoding::kWkdm32),   Codec(Encoding::kSparse), Codec(Encoding::kZstdDelta),
      Codec(Encoding::kLz4Delta), Codec(Encoding::kXbzrle),
  };
  return codecs[choice % codecs.size()];
}

// Mostly few pages, because more are slower; and 17, which are beyond the 64 KiB up to which LZ4 counts in 16 bits.
std::size_t pages_of(std::uint8_t choice) { return choice < 0xff ? 1 + choice % 3 : 17; }

// What the pages held before: these bytes, from somewhere within them on and with changes. So an encoding, and pages that
// are made of the same input, find something in it.
Bytes base_of(std::uint8_t choice, Input bytes, std::size_t length) {
  Bytes base(length, static_cast<std::byte>(choice));
  bytes = bytes.subspan(std::min<std::size_t>(choice % 16, bytes.size()));
  bytes = bytes.first(std::min(bytes.size(), length));
  std::copy(bytes.begin(), bytes.end(), base.begin());
  if (choice >= 0x80) base[choice * 31 % length] ^= std::byte{1};
  return base;
}

// At once: the fuzzer looks at each comparison that this file makes of two bytes.
bool are_same(const Bytes& some, const Bytes& others) {
  return some.size() == others.size() && std::memcmp(some.data(), others.data(), some.size()) == 0;
}

void there_and_back(Codec& codec, const Bytes& pages, const Bytes& base, int level,
                    std::size_t room) {
  Bytes encoded(room);
  const auto length = codec.encoder->encode(pages, base, level, encoded);
  if (!length.has_value()) return;
  require(*length >= 1 && *length <= room, "an encoding stays within its room");
  encoded.resize(*length);
  encoded.shrink_to_fit();
  Bytes decoded(pages.size(), std::byte{0xcc});
  require(codec.decoder->decode(encoded, base, decoded).ok(), "a codec decodes what it encoded");
  require(are_same(decoded, pages), "pages come back as they were");
}

}  // namespace

void fuzz(Input input) {
  Choices choices(input);
  Codec& codec = codec_of(choices.take<std::uint8_t>());
  if (codec.decoder == nullptr) return;
  const std::size_t length = pages_of(choices.take<std::uint8_t>()) * kCodecPageBytes;
  const int level = kLeastZstdLevel + choices.take<std::uint8_t>() % 6;
  const auto base_choice = choices.take<std::uint8_t>();
  const std::size_t room = choices.take<std::uint16_t>();
  const Bytes base = needs_base(codec.encoding) ? base_of(base_choice, input, length) : Bytes();

  Bytes pages(length, std::byte{0xcc});
  const Status decoded = codec.decoder->decode(choices.rest(), base, pages);
  require(decoded.ok() || decoded.code() == StatusCode::kProtocol,
          "what is no encoding breaks protocol");
  Bytes again(length, std::byte{0x33});
  require(codec.decoder->decode(choices.rest(), base, again).code() == decoded.code(),
          "pages can be decoded or cannot");
  if (decoded.ok()) {
    require(are_same(pages, again), "decoding leaves nothing of what was there");
    there_and_back(codec, pages, base, level, 2 * length);
  }
  Bytes others(choices.rest().begin(), choices.rest().end());
  others.resize(length);
  there_and_back(codec, others, base, level, room);
}

}  // namespace pageferry::fuzzing
