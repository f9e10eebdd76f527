// Reads records out of bytes, and checks every index, length and sum of docs/protocol.md, section 2, before a
// byte of payload is looked at. It knows no stream and no guest, so that a file or a fuzzer can be read the same way.
#pragma once

#include <array>
#include <span>

#include "os/status.h"
#include "region/page_layout.h"
#include "wire/records.h"

namespace pageferry {

// `expected` is the one type that this channel carries, or kPages for a page channel, which carries kSync too.
// kProtocol, with what is wrong, where the document forbids the header. An optional record (wire::is_optional) that
// is right is one to skip: its body is as long as body_bytes() says.
Status check_header(const wire::RecordHeader& header, wire::RecordType expected);

// Of table and payload, of a header that has been checked.
constexpr std::uint64_t body_bytes(const wire::RecordHeader& header) {
  return header.entries * sizeof(wire::TableEntry) + header.payload_bytes;
}

// The table of a pages record, whose header has been checked, against it, against the memory that the page
// indices run through and against the contents that were accepted.
Status check_table(const wire::RecordHeader& header, const PageLayout& layout,
                   const wire::ContentSet& accepted, std::span<const wire::TableEntry> table);

// The members of a block, ascending.
struct Members {
  std::array<PageIndex, wire::kMaxMembers> pages;
  std::size_t count = 0;
  void add(PageIndex page) { pages[count++] = page; }
};

// Of a block whose entry has been checked, out of its payload. kProtocol when its bitmap does not name as many pages as
// the entry has members, or not its first and its last page.
Status read_members(const wire::TableEntry& entry, std::span<const std::byte> payload,
                    Members& members);

}  // namespace pageferry
