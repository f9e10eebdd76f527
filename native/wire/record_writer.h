// Collects table entries and payload for one pages record, and gives it as parts that lie where they are.
//
// Raw pages are not copied; only encoded pages are. Thread contract: one thread.
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

  bool empty() const { return table_.empty(); }
  // True when one more page of any kind might not fit.
  bool full(std::uint64_t page_bytes) const;
  std::uint64_t payload_bytes() const { return payload_bytes_; }
  std::uint64_t wire_bytes() const;

  // The record is not full, and every page added so far comes before `page`: a receiver refuses a record
  // whose pages do not ascend. Pages that follow each other in memory and in index become one entry.
  // `data` must stay valid until clear().
  void add_raw(PageIndex page, const std::byte* data, std::uint64_t page_bytes, bool new_region);
  void add_zero(PageIndex page, bool new_region);
  // Room for one encoded page; the encoder writes there and add_encoded takes the first `bytes` of it.
  std::span<std::byte> encode_room(std::uint64_t page_bytes);
  void add_encoded(PageIndex page, std::uint8_t content, std::uint32_t bytes);
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
  void append_payload(const std::byte* data, std::uint64_t bytes);

  std::vector<wire::TableEntry> table_;
  std::vector<iovec> parts_;              // [0] header, [1] table, then payload
  std::unique_ptr<std::byte[]> encoded_;  // null until the first encoded page or bitmap
  std::size_t encoded_bytes_ = 0;
  std::uint64_t payload_bytes_ = 0;
  wire::RecordHeader header_ = {};
};

wire::RecordHeader sync_record(std::uint64_t number);
wire::RecordHeader request_record(PageIndex page);

}  // namespace pageferry
