#include "fault/answer_reader.h"

#include <algorithm>
#include <cstring>

#include "wire/record_reader.h"

namespace pageferry {

namespace {

constexpr std::size_t kHeadBytes = sizeof(wire::RecordHeader) + sizeof(wire::TableEntry);
// Several guest threads may wait: room for as many answers in one call.
constexpr std::size_t kAnswers = 8;
const wire::ContentSet kAnswerContents = {wire::kContentRaw, wire::kContentZero};

Status not_one_page() {
  return Status(StatusCode::kProtocol, "an answer on the fault channel that is not one page");
}

}  // namespace

AnswerReader::AnswerReader(const GuestMemory& memory)
    : layout_(memory.layout()),
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
  if (Status checked = check_table(header, layout_, kAnswerContents, {&entry, 1}); !checked.ok())
    return checked;
  if (entry.pages != 1) return not_one_page();
  const bool zero = entry.content == wire::kContentZero;
  if (have < kHeadBytes + entry.payload_bytes) return std::optional<Answer>();
  begin_ += kHeadBytes + entry.payload_bytes;
  return std::optional<Answer>({entry.page, zero ? nullptr : at + kHeadBytes});
}

}  // namespace pageferry
