// Takes the answers of the fault channel as they come: one system call for an answer that is there, and
// never a wait for one that is not.
//
// Thread contract: one thread.
#pragma once

#include <memory>
#include <optional>

#include "codec/block_codec.h"
#include "net/stream.h"
#include "os/status.h"
#include "region/guest_memory.h"
#include "region/page_layout.h"
#include "wire/contents.h"
#include "wire/records.h"

namespace pageferry {

class AnswerReader {
 public:
  // `accepted`: what pages of the migration may be sent as.
  AnswerReader(const GuestMemory& memory, const wire::ContentSet& accepted);

  // Takes what has come, as far as there is room. kPeerClosed at its end.
  Status receive(Stream& stream);

  struct Answer {
    PageIndex page;
    const std::byte* data;  // null: the page is zero. Valid until the next next() or receive()
  };
  // The next answer that is complete, if one is. kProtocol when what came is not one page as docs/protocol.md, 2.3, has it.
  Result<std::optional<Answer>> next();

 private:
  const PageLayout layout_;
  const wire::ContentSet contents_;
  const std::unique_ptr<BlockDecoder> decoder_ = make_block_decoder(Encoding::kLz4);
  const std::unique_ptr<std::byte[]> decoded_;
  std::size_t capacity_;
  std::unique_ptr<std::byte[]> buffer_;
  // What has come and was not handed out: [begin_, end_) of the buffer.
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  // Of an optional record: so much of what comes next is skipped.
  std::uint64_t skip_ = 0;
};

}  // namespace pageferry
