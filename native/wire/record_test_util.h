// Records as bytes and bytes as records. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <thread>
#include <vector>

#include "net/socket_test_util.h"
#include "wire/records.h"

namespace pageferry::testing {

struct ParsedRecord {
  wire::RecordHeader header;
  std::vector<wire::TableEntry> table;
  std::vector<std::byte> payload;
};

// What write(socket) sends, up to its end.
template <class Write>
std::vector<std::byte> bytes_sent_by(Write write) {
  auto pair = connect_pair();
  std::vector<std::byte> bytes;
  std::thread reader([&] { bytes = receive_until_end(pair.far); });
  write(pair.near);
  ::shutdown(pair.near.fd(), SHUT_WR);
  reader.join();
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
