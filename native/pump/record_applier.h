// Receives one pages record and applies it to arriving memory: raw pages straight from the socket into
// the memory, encoded pages through a buffer of this applier.
//
// A record is applied in steps: claim some pages, receive them, publish them. While guest threads may
// wait for pages the steps are small, because a page that is claimed is not asked for: whoever touches it
// waits until its step is over.
//
// Thread contract: one applier per page channel, used by that channel's thread alone.
#pragma once

#include <memory>
#include <vector>

#include "net/socket.h"
#include "os/status.h"
#include "region/arriving_memory.h"
#include "wire/records.h"

namespace pageferry {

class RecordApplier {
 public:
  explicit RecordApplier(std::shared_ptr<ArrivingMemory> arriving);

  struct Applied {
    std::uint64_t pages = 0;       // written or known to be zero
    std::uint64_t duplicates = 0;  // discarded, because somebody else claimed the page first
  };
  // `header` is that of a pages record and has been checked.
  Result<Applied> apply(Socket& socket, const wire::RecordHeader& header);

 private:
  // The next page of the table that no step has planned yet.
  struct Position {
    std::size_t entry = 0;
    std::uint64_t page = 0;  // within the entry
  };

  // A run of pages of one entry that this applier claimed (or one it must discard).
  struct Piece {
    const wire::TableEntry* entry;
    PageRange run;
    const std::byte* data;  // null: the bytes are at their landing
    bool claimed;
  };

  void plan_step();
  std::uint64_t plan_part(const wire::TableEntry& entry, PageRange left, std::uint64_t room);
  void plan_claimed(const wire::TableEntry& entry, PageRange run, std::uint64_t page_bytes);
  void plan_piece(Piece piece, std::byte* landing, std::uint64_t bytes);
  Status publish_step(Applied& applied);
  Status publish(const Piece& piece);
  Status publish_encoded(const Piece& piece);
  Status mark_missing(const Piece& piece);

  std::shared_ptr<ArrivingMemory> arriving_;
  std::vector<wire::TableEntry> table_;
  Position position_;
  std::vector<Piece> pieces_;
  std::vector<iovec> parts_;
  std::uint64_t step_bytes_ = 0;
  std::unique_ptr<std::byte[]> buffer_;   // payload that does not land in place
  std::unique_ptr<std::byte[]> decoded_;  // one page, where a page cannot be decoded in place
  std::size_t buffered_ = 0;
};

}  // namespace pageferry
