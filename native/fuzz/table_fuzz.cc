// One record's table against memory of any shape and any set of accepted contents.
//
// Input: 1 byte regions, 8 bytes for the size of each, 2 bytes which contents were accepted, 4 bytes payload of the
// record, or all ones: the right sum; then the entries.
#include "fuzz/table_rules.h"
#include "fuzz/target.h"
#include "wire/record_reader.h"

namespace pageferry::fuzzing {

namespace {

// Pages that 64 bits of addresses could have.
constexpr std::uint64_t kMostPages = std::uint64_t{1} << 52;
constexpr std::size_t kMostRegions = 6;

std::vector<PageIndex> ends_of_regions(Choices& choices) {
  std::vector<PageIndex> ends(1 + choices.take<std::uint8_t>() % kMostRegions);
  PageIndex end = 0;
  for (PageIndex& each : ends) {
    end += 1 + choices.take<std::uint64_t>() % (kMostPages / kMostRegions);
    each = end;
  }
  return ends;
}

static_assert(wire::kContents.size() <= 16);
wire::ContentSet accepted_contents(std::uint16_t chosen) {
  wire::ContentSet accepted;
  for (std::size_t row = 0; row < wire::kContents.size(); ++row) {
    if ((chosen >> row & 1) != 0) accepted.add(wire::kContents[row].id);
  }
  return accepted;
}

}  // namespace

void fuzz(Input input) {
  Choices choices(input);
  const std::vector<PageIndex> ends = ends_of_regions(choices);
  const wire::ContentSet accepted = accepted_contents(choices.take<std::uint16_t>());
  auto payload = choices.take<std::uint32_t>();
  const auto table = choices.take_all<wire::TableEntry>(wire::kMaxEntries);
  if (payload == 0xffffffff) {
    payload = 0;
    for (const wire::TableEntry& entry : table) payload += entry.payload_bytes;
  }
  const wire::RecordHeader header = {wire::RecordType::kPages,
                                     static_cast<std::uint16_t>(table.size()), payload, 0};
  if (!check_header(header, wire::RecordType::kPages).ok()) return;
  const Status judged = check_table(header, PageLayout(ends), accepted, table);
  require(judged.ok() || judged.code() == StatusCode::kProtocol, "a wrong table breaks protocol");
  require(judged.ok() == obeys_rules(header, ends, accepted, table),
          "a table is taken if it obeys the document's rules, and only then");
}

}  // namespace pageferry::fuzzing
