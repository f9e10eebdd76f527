// Receives one pages record and applies it to arriving memory.
//
// A record is applied in steps: receive some pages, then store them. While the guest does not run, raw
// pages are received straight into its memory. Once it may run, every page is received into a buffer of
// this applier and stored when it is whole. The steps are small then, because guest threads that wait for a
// page of the step ask for it in vain until the step is over.
//
// Thread contract: one applier per page channel, used by that channel's thread alone.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "codec/block_codec.h"
#include "net/stream.h"
#include "os/status.h"
#include "region/arriving_memory.h"
#include "wire/record_reader.h"
#include "wire/records.h"

namespace pageferry {

class RecordApplier {
 public:
  // `accepted`: any other content is a breach of protocol.
  RecordApplier(std::shared_ptr<ArrivingMemory> arriving, const wire::ContentSet& accepted);

  // Payload of one step, and what its last part may have beyond that: a block, or a bitmap of missing pages.
  static constexpr std::uint64_t kStepBytes = 1u << 20;
  static constexpr std::uint64_t kMostPartBytes =
      std::max(kMostBlockBytes + wire::bitmap_bytes(wire::kStripePages),
               wire::bitmap_bytes(wire::kMaxPagesPerEntry));
  // So much of its channel an applier holds at most: a step, the table, a block that is being decoded and its bases.
  static constexpr std::uint64_t kMostHeldBytes = kStepBytes + kMostPartBytes +
                                                  wire::kMaxEntries * sizeof(wire::TableEntry) +
                                                  2 * kMostBlockBytes;

  struct Applied {
    std::uint64_t pages = 0;       // written or known to be zero
    std::uint64_t duplicates = 0;  // discarded, because somebody else wrote the page first
  };
  // `header` is that of a pages record and has been checked.
  Result<Applied> apply(Stream& stream, const wire::RecordHeader& header);

 private:
  // The next page of the table that no step has planned yet.
  struct Position {
    std::size_t entry = 0;
    std::uint64_t page = 0;  // within the entry
  };

  // A run of pages of one entry that one step receives and stores.
  struct Piece {
    const wire::TableEntry* entry;
    PageRange run;
    const std::byte* data;  // in the buffer; null: there is no payload, or it is at its landing
  };

  void plan_step(bool in_place);
  std::uint64_t plan_part(const wire::TableEntry& entry, PageRange left, std::uint64_t room,
                          bool in_place);
  void plan_in_place(const wire::TableEntry& entry, PageRange run, std::uint64_t bytes);
  void plan_aside(const wire::TableEntry& entry, PageRange run, std::uint64_t bytes);
  void plan_receive(std::byte* to, std::uint64_t bytes);
  Status store_step(bool in_place, Applied& applied);
  Result<std::uint64_t> store(const Piece& piece, bool in_place);
  Result<std::uint64_t> store_block(const Piece& piece, bool in_place);
  Result<std::uint64_t> change_in_place(const wire::TableEntry& entry, BlockDecoder& decoder,
                                        std::span<const std::byte> encoded);
  Status read_bases(const Piece& piece, bool in_place, std::span<const std::byte>& bases);
  Result<std::uint64_t> store_fill(const Piece& piece, bool in_place);
  Status mark_missing(const Piece& piece);

  std::shared_ptr<ArrivingMemory> arriving_;
  const PageLayout layout_;
  const wire::ContentSet accepted_;
  std::vector<wire::TableEntry> table_;
  Position position_;
  std::vector<Piece> pieces_;
  std::vector<iovec> parts_;
  std::uint64_t step_bytes_ = 0;
  std::unique_ptr<std::byte[]> buffer_;  // payload that is not received in place
  std::size_t buffered_ = 0;
  // By the number of the encoding; each is made when it is needed first.
  std::array<std::unique_ptr<BlockDecoder>, 10> decoders_;
  // A block, decoded; beside it what its pages held before.
  std::unique_ptr<std::byte[]> decoded_;
  std::unique_ptr<std::byte[]> bases_;
  Members members_;
  // The pages of which a record has come, where a content may need a base.
  std::optional<PageBitmap> received_;
};

}  // namespace pageferry
