#include "channel/record_io.h"

#include <algorithm>
#include <array>

#include "wire/record_reader.h"

namespace pageferry {

namespace {

Status skip(Stream& stream, std::uint64_t bytes) {
  std::array<std::byte, 16 << 10> scratch;
  while (bytes > 0) {
    const std::uint64_t part = std::min<std::uint64_t>(bytes, scratch.size());
    if (Status got = stream.receive_all(scratch.data(), part); !got.ok()) return got;
    bytes -= part;
  }
  return Status();
}

}  // namespace

Result<wire::RecordHeader> receive_header(Stream& stream, wire::RecordType expected) {
  while (true) {
    wire::RecordHeader header = {};
    if (Status got = stream.receive_all(&header, sizeof(header)); !got.ok()) return got;
    if (Status checked = check_header(header, expected); !checked.ok()) return checked;
    if (!wire::is_optional(header.type)) return header;
    if (Status skipped = skip(stream, body_bytes(header)); !skipped.ok()) return skipped;
  }
}

Status receive_table(Stream& stream, const wire::RecordHeader& header, const PageLayout& layout,
                     const wire::ContentSet& accepted, std::vector<wire::TableEntry>& table) {
  table.resize(header.entries);
  const Status got = stream.receive_all(table.data(), table.size() * sizeof(wire::TableEntry));
  if (!got.ok()) return got;
  return check_table(header, layout, accepted, table);
}

Status send_record(Stream& stream, RecordWriter& record) {
  if (record.empty()) return Status();
  Status sent = stream.send_all(record.parts());
  record.clear();
  return sent;
}

Status send_header(Stream& stream, const wire::RecordHeader& header) {
  return stream.send_all(&header, sizeof(header));
}

}  // namespace pageferry
