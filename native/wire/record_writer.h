// Collects table entries and payload for one pages record, and gives it as parts that lie where they are.
//
// Raw pages are not copied; what is encoded is put into a buffer of the record's own. Thread contract: one thread at a
// time.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "region/page_bitmap.h"
#include "wire/records.h"

namespace pageferry {

class RecordWriter {
 public:
  RecordWriter();

  // Makes all the memory that it may ever need.
  void reserve();
  bool empty() const { return table_.empty(); }
  // True when so many entries, with so many bytes of payload together, might not fit.
  bool full(std::uint64_t payload_bytes, std::size_t entries = 1) const;
  std::uint64_t payload_bytes() const { return payload_bytes_; }
  std::uint64_t wire_bytes() const;
  // The pages in it, by content; those that are announced are not counted.
  const wire::PagesByContent& pages() const { return pages_; }

  // The record is not full, and every page added so far comes before `page`: a receiver refuses a record
  // whose pages do not ascend. Pages that follow each other in memory and in index become one entry.
  // `data` must stay valid until clear().
  void add_raw(PageIndex page, const std::byte* data, std::uint64_t page_bytes, bool new_region);
  void add_zero(PageIndex page, bool new_region);
  // A page that repeats one word.
  void add_fill(PageIndex page, std::uint64_t word, bool new_region);
  // Where something may be put that add_block() or add_raw() then takes from the beginning of it. The room is as
  // long as full() has been asked for.
  std::span<std::byte> room(std::uint64_t bytes);
  // A block whose members, ascending, are these; the first `bytes` of the room are its encoding behind
  // room for the bitmap of its members (block_head()).
  void add_block(std::span<const PageIndex> members, std::uint8_t content, std::uint64_t bytes);
  // Bytes of the room that come before the encoding of a block with these members.
  static std::uint64_t block_head(std::span<const PageIndex> members);
  // A page whose bytes were put at the beginning of the room.
  void add_copied(PageIndex page, std::uint64_t page_bytes, bool new_region);
  // A run that is in the residual set; `bitmap` empty when all of it is.
  void add_missing(PageRange run, std::span<const std::byte> bitmap);

  // The record, which has a page in it: header, table and payload, in order. Good until clear(); whoever sends them
  // may change the parts.
  std::span<iovec> parts();
  // Starts the next record.
  void clear();

 private:
  wire::TableEntry* extendable(PageIndex page, const wire::ContentTraits& content, bool new_region);
  std::byte* encoded_end();
  void take_room(std::uint64_t bytes);
  void append_payload(const std::byte* data, std::uint64_t bytes);

  std::vector<wire::TableEntry> table_;
  std::vector<iovec> parts_;              // [0] header, [1] table, then payload
  std::unique_ptr<std::byte[]> encoded_;  // null until something is put there
  std::size_t encoded_bytes_ = 0;
  std::uint64_t payload_bytes_ = 0;
  wire::PagesByContent pages_;
  wire::RecordHeader header_ = {};
};

wire::RecordHeader sync_record(std::uint64_t number);
wire::RecordHeader request_record(PageIndex page);

}  // namespace pageferry
