// Every page codec: anything decoded, and pages there and back.
//
// Input: 1 byte which codec, 2 bytes room for the encoding, then bytes that are an encoding, and the beginning of a page.
#include "codec/page_codec.h"

#include "fuzz/target.h"
#include "region/page_layout.h"
#include "wire/contents.h"

namespace pageferry::fuzzing {

namespace {

std::vector<const PageCodec*> all_codecs() {
  std::vector<const PageCodec*> codecs;
  for (const wire::ContentTraits& content : wire::kContents) {
    const PageCodec* codec = find_page_codec(content.name);
    if (codec != nullptr) codecs.push_back(codec);
  }
  return codecs;
}

void there_and_back(const PageCodec& codec, const Bytes& page, std::size_t room) {
  Bytes encoded(room);
  const auto length = codec.encode(page, encoded);
  if (!length.has_value()) return;
  require(*length <= room, "an encoding stays within its room");
  encoded.resize(*length);
  Bytes decoded(page.size(), std::byte{0xcc});
  require(codec.decode(encoded, decoded).ok(), "a codec decodes what it has encoded");
  require(decoded == page, "a page comes back as it was");
}

}  // namespace

void fuzz(Input input) {
  static const auto codecs = all_codecs();
  Choices choices(input);
  const PageCodec& codec = *codecs[choices.take<std::uint8_t>() % codecs.size()];
  const std::size_t room = choices.take<std::uint16_t>() % (kPageBytes + 1);
  Bytes page(kPageBytes, std::byte{0xcc});
  Bytes again(kPageBytes, std::byte{0x33});
  const Status decoded = codec.decode(choices.rest(), page);
  require(decoded.ok() || decoded.code() == StatusCode::kProtocol,
          "what is no page breaks protocol");
  require(codec.decode(choices.rest(), again).code() == decoded.code(),
          "a page can be decoded or cannot");
  if (decoded.ok()) {
    require(page == again, "decoding leaves nothing of what was there");
    there_and_back(codec, page, kPageBytes);
  }
  Bytes other(choices.rest().begin(), choices.rest().end());
  other.resize(kPageBytes);
  there_and_back(codec, other, room);
}

}  // namespace pageferry::fuzzing
