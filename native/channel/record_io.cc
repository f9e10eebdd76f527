#include "channel/record_io.h"

#include "wire/record_reader.h"

namespace pageferry {

Result<wire::RecordHeader> receive_header(Stream& stream, wire::RecordType expected) {
  wire::RecordHeader header = {};
  if (Status got = stream.receive_all(&header, sizeof(header)); !got.ok()) return got;
  if (Status checked = check_header(header, expected); !checked.ok()) return checked;
  return header;
}

Status receive_table(Stream& stream, const wire::RecordHeader& header, const PageLayout& layout,
                     std::vector<wire::TableEntry>& table) {
  table.resize(header.entries);
  const Status got = stream.receive_all(table.data(), table.size() * sizeof(wire::TableEntry));
  if (!got.ok()) return got;
  return check_table(header, layout, table);
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
