// Reads records out of bytes, and checks every index, length and sum of docs/protocol.md, section 2, before a
// byte of payload is looked at. It knows no stream and no guest, so that a file or a fuzzer can be read the same way.
#pragma once

#include <span>

#include "os/status.h"
#include "region/page_layout.h"
#include "wire/records.h"

namespace pageferry {

// `expected` is the one type that this channel carries, or kPages for a page channel, which carries kSync too.
// kProtocol, with what is wrong, where the document forbids the header.
Status check_header(const wire::RecordHeader& header, wire::RecordType expected);

// The table of a pages record, whose header has been checked, against it and against the memory that the page
// indices run through.
Status check_table(const wire::RecordHeader& header, const PageLayout& layout,
                   std::span<const wire::TableEntry> table);

}  // namespace pageferry
