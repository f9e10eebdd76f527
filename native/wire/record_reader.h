// Reads records and checks them before anything is believed: every length, index and sum of
// docs/protocol.md, section 2, before a byte of payload is read.
//
// Thread contract: stateless; one thread per socket.
#pragma once

#include <span>
#include <vector>

#include "net/socket.h"
#include "os/status.h"
#include "region/guest_memory.h"
#include "wire/records.h"

namespace pageferry {

// Reads and checks a header. `expected` is the one type this channel carries, or kPages for a page
// channel, which carries kSync too.
Result<wire::RecordHeader> read_header(Socket& socket, wire::RecordType expected);
Status check_header(const wire::RecordHeader& header, wire::RecordType expected);

// Reads the table of a pages record into `table`, and checks it against the header and the memory.
Status read_table(Socket& socket, const wire::RecordHeader& header, const GuestMemory& memory,
                  std::vector<wire::TableEntry>& table);
Status check_table(const wire::RecordHeader& header, const GuestMemory& memory,
                   std::span<const wire::TableEntry> table);

}  // namespace pageferry
