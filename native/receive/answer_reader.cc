#include "receive/answer_reader.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "wire/record_reader.h"

namespace pageferry {

namespace {

constexpr std::size_t kHeadBytes = sizeof(wire::RecordHeader) + sizeof(wire::TableEntry);
// Several guest threads may wait: room for as many answers in one call.
constexpr std::size_t kAnswers = 8;

wire::ContentSet contents_of_answers(const wire::ContentSet& accepted) {
  wire::ContentSet contents = {wire::kContentRaw, wire::kContentZero};
  if (accepted.contains(wire::kContentLz4)) contents.add(wire::kContentLz4);
  return contents;
}

Status not_one_page() {
  return Status(StatusCode::kProtocol, "an answer on the fault channel that is not one page");
}

}  // namespace

AnswerReader::AnswerReader(const GuestMemory& memory, const wire::ContentSet& accepted)
    : layout_(memory.layout()),
      contents_(contents_of_answers(accepted)),
      decoded_(std::make_unique_for_overwrite<std::byte[]>(kPageBytes)),
      capacity_(kAnswers * (kHeadBytes + memory.regions().front().page_bytes)),
      buffer_(std::make_unique_for_overwrite<std::byte[]>(capacity_)) {}

Status AnswerReader::receive(Stream& stream) {
  // What is left is part of one answer at most, and the buffer holds several.
  std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  const auto received = stream.receive_available(buffer_.get() + end_, capacity_ - end_);
  if (!received.ok()) return received.status();
  end_ += received.value();
  return Status();
}

Result<std::optional<AnswerReader::Answer>> AnswerReader::next() {
  wire::RecordHeader header;
  do {
    const std::uint64_t skipped = std::min<std::uint64_t>(skip_, end_ - begin_);
    begin_ += skipped;
    skip_ -= skipped;
    if (end_ - begin_ < sizeof(header)) return std::optional<Answer>();
    std::memcpy(&header, buffer_.get() + begin_, sizeof(header));
    if (Status checked = check_header(header, wire::RecordType::kPages); !checked.ok()) {
      return checked;
    }
    if (wire::is_optional(header.type)) skip_ = sizeof(header) + body_bytes(header);
  } while (skip_ > 0);
  const std::size_t have = end_ - begin_;
  const std::byte* at = buffer_.get() + begin_;
  if (header.type != wire::RecordType::kPages || header.entries != 1) return not_one_page();
  wire::TableEntry entry;
  if (have < kHeadBytes) return std::optional<Answer>();
  std::memcpy(&entry, at + sizeof(header), sizeof(entry));
  if (Status checked = check_table(header, layout_, contents_, {&entry, 1}); !checked.ok()) {
    return checked;
  }
  if (entry.pages != 1) return not_one_page();
  if (have < kHeadBytes + entry.payload_bytes) return std::optional<Answer>();
  begin_ += kHeadBytes + entry.payload_bytes;
  const std::byte* payload = at + kHeadBytes;
  switch (entry.content) {
    case wire::kContentZero:
      return std::optional<Answer>({entry.page, nullptr});
    case wire::kContentRaw:
      return std::optional<Answer>({entry.page, payload});
    default:
      break;
  }
  const Status decoded =
      decoder_->decode({payload, entry.payload_bytes}, {}, {decoded_.get(), kPageBytes});
  if (!decoded.ok()) {
    return Status(decoded.code(), "the answer with page " + std::to_string(entry.page) + ": " +
                                      std::string(decoded.message()));
  }
  return std::optional<Answer>({entry.page, decoded_.get()});
}

}  // namespace pageferry
