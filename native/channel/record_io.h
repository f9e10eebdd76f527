// Records over a stream.
//
// Thread contract: that of the stream.
#pragma once

#include <vector>

#include "net/stream.h"
#include "os/status.h"
#include "region/page_layout.h"
#include "wire/record_writer.h"
#include "wire/records.h"

namespace pageferry {

// Receives a header, checked (wire/record_reader.h), of a record that is known here: optional ones are skipped.
Result<wire::RecordHeader> receive_header(Stream& stream, wire::RecordType expected);

// Receives the table of a pages record into `table`, checked.
Status receive_table(Stream& stream, const wire::RecordHeader& header, const PageLayout& layout,
                     const wire::ContentSet& accepted, std::vector<wire::TableEntry>& table);

// Sends the record, if there is anything in it, and starts the next, also after a failure.
Status send_record(Stream& stream, RecordWriter& record);

// A sync or a request.
Status send_header(Stream& stream, const wire::RecordHeader& header);

}  // namespace pageferry
