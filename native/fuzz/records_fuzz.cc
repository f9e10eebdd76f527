// A stream of records, read as a page channel's receiver and as a fault channel's two ends read theirs.
#include "channel/record_io.h"
#include "fuzz/table_rules.h"
#include "fuzz/target.h"
#include "net/memory_stream_test_util.h"

namespace pageferry::fuzzing {

namespace {

// The guest of test/vectors/v2, whose streams are inputs here.
const std::vector<PageIndex> kEnds = {12, 16};

void check(const wire::RecordHeader& header, wire::RecordType expected) {
  require(!wire::is_optional(header.type), "optional records that nobody knows are skipped");
  require(header.entries <= wire::kMaxEntries && header.payload_bytes <= wire::kMaxPayloadBytes,
          "a record is bounded");
  if (header.type == wire::RecordType::kPages) {
    require(expected == wire::RecordType::kPages, "pages come where pages may");
    require(header.entries > 0 && header.value == 0, "a pages record's header");
    return;
  }
  require(header.type == expected || header.type == wire::RecordType::kSync,
          "no other record comes");
  require(header.entries == 0 && header.payload_bytes == 0, "nothing follows a sync or a request");
}

// Answers what ended the stream.
Status read_records(Stream& stream, wire::RecordType expected) {
  const PageLayout layout(kEnds);
  std::vector<wire::TableEntry> table;
  std::vector<std::byte> payload;
  while (true) {
    const auto header = receive_header(stream, expected);
    if (!header.ok()) return header.status();
    check(header.value(), expected);
    if (header.value().type != wire::RecordType::kPages) continue;
    const Status judged =
        receive_table(stream, header.value(), layout, wire::ContentSet::all(), table);
    if (judged.code() == StatusCode::kPeerClosed) return judged;
    require(judged.ok() == obeys_rules(header.value(), kEnds, wire::ContentSet::all(), table),
            "a table is taken if it obeys the document's rules, and only then");
    if (!judged.ok()) return judged;
    payload.resize(header.value().payload_bytes);
    if (Status got = stream.receive_all(payload.data(), payload.size()); !got.ok()) return got;
  }
}

}  // namespace

void fuzz(Input input) {
  for (const auto expected : {wire::RecordType::kPages, wire::RecordType::kRequest}) {
    testing::MemoryStream whole(input);
    testing::MemoryStream cut(input, 1 + input.size() % 61);
    const Status ended = read_records(whole, expected);
    require(ended.code() == StatusCode::kProtocol || ended.code() == StatusCode::kPeerClosed,
            "a stream ends with its last byte or with what is wrong");
    require(read_records(cut, expected).code() == ended.code() &&
                cut.left().size() == whole.left().size(),
            "how the bytes are cut makes no difference");
  }
}

}  // namespace pageferry::fuzzing
