// Records as bytes and bytes as records. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <vector>

#include "wire/record_writer.h"
#include "wire/records.h"

namespace pageferry::testing {

struct ParsedRecord {
  wire::RecordHeader header;
  std::vector<wire::TableEntry> table;
  std::vector<std::byte> payload;
};

// The bytes of a record, which is cleared.
inline std::vector<std::byte> bytes_of(RecordWriter& record) {
  std::vector<std::byte> bytes;
  for (const iovec& part : record.parts()) {
    const auto* at = static_cast<const std::byte*>(part.iov_base);
    bytes.insert(bytes.end(), at, at + part.iov_len);
  }
  record.clear();
  return bytes;
}

// Cuts a stream into its records, without checking them.
inline std::vector<ParsedRecord> parse_records(const std::vector<std::byte>& bytes) {
  std::vector<ParsedRecord> records;
  std::size_t at = 0;
  const auto take = [&](void* to, std::size_t count) {
    ASSERT_LE(at + count, bytes.size());
    if (count > 0) std::memcpy(to, bytes.data() + at, count);
    at += count;
  };
  while (at < bytes.size() && !::testing::Test::HasFatalFailure()) {
    ParsedRecord record;
    take(&record.header, sizeof(record.header));
    record.table.resize(record.header.entries);
    take(record.table.data(), record.table.size() * sizeof(wire::TableEntry));
    record.payload.resize(record.header.payload_bytes);
    take(record.payload.data(), record.payload.size());
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace pageferry::testing
