// Collects table entries and payload for one pages record and sends it in one piece.
//
// Raw pages are sent from where they lie; only encoded pages are copied. Thread contract: one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "net/socket.h"
#include "os/status.h"
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
  // `data` must stay valid until send().
  void add_raw(PageIndex page, const std::byte* data, std::uint64_t page_bytes, bool new_region);
  void add_zero(PageIndex page, bool new_region);
  // Room for one encoded page; the encoder writes there and add_encoded takes the first `bytes` of it.
  std::span<std::byte> encode_room(std::uint64_t page_bytes);
  void add_encoded(PageIndex page, std::uint8_t content, std::uint32_t bytes);
  // A run that is in the residual set; `bitmap` empty when all of it is.
  void add_missing(PageRange run, std::span<const std::byte> bitmap);

  // Sends the record, if there is anything in it, and starts the next.
  Status send(Socket& socket);

 private:
  wire::TableEntry* extendable(PageIndex page, std::uint8_t content, bool new_region);
  std::byte* encoded_end();
  void append_payload(const std::byte* data, std::uint64_t bytes);

  std::vector<wire::TableEntry> table_;
  std::vector<iovec> parts_;              // [0] header, [1] table, then payload
  std::unique_ptr<std::byte[]> encoded_;  // null until the first encoded page or bitmap
  std::size_t encoded_bytes_ = 0;
  std::uint64_t payload_bytes_ = 0;
  wire::RecordHeader header_ = {};
};

Status send_sync(Socket& socket, std::uint64_t number);

}  // namespace pageferry
