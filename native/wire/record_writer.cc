#include "wire/record_writer.h"

#include <algorithm>
#include <cstring>

namespace pageferry {

namespace {

// One record's payload: many pages to a system call, and soon over when a sync waits behind.
constexpr std::uint64_t kPayloadBytes = 1u << 20;

constexpr const wire::ContentTraits& kRaw = *wire::find_content(wire::kContentRaw);
constexpr const wire::ContentTraits& kFill = *wire::find_content(wire::kContentFill);
constexpr const wire::ContentTraits& kZero = *wire::find_content(wire::kContentZero);

}  // namespace

RecordWriter::RecordWriter() : parts_(2) {}

// Not before it is needed: an empty final round must not wait for a megabyte of fresh memory.
std::byte* RecordWriter::encoded_end() {
  if (encoded_ == nullptr) encoded_ = std::make_unique_for_overwrite<std::byte[]>(kPayloadBytes);
  return encoded_.get() + encoded_bytes_;
}

void RecordWriter::reserve() {
  table_.reserve(wire::kMaxEntries);
  parts_.reserve(2 + wire::kMaxEntries);
  encoded_end();
}

bool RecordWriter::full(std::uint64_t payload_bytes, std::size_t entries) const {
  return table_.size() + entries > wire::kMaxEntries ||
         payload_bytes_ + payload_bytes > kPayloadBytes;
}

std::uint64_t RecordWriter::wire_bytes() const {
  return sizeof(wire::RecordHeader) + table_.size() * sizeof(wire::TableEntry) + payload_bytes_;
}

wire::TableEntry* RecordWriter::extendable(PageIndex page, const wire::ContentTraits& content,
                                           bool new_region) {
  if (table_.empty() || new_region) return nullptr;
  wire::TableEntry& last = table_.back();
  const bool extends = last.content == content.id && last.page + last.pages == page &&
                       last.pages < content.most_pages;
  return extends ? &last : nullptr;
}

void RecordWriter::append_payload(const std::byte* data, std::uint64_t bytes) {
  payload_bytes_ += bytes;
  iovec& last = parts_.back();
  if (parts_.size() > 2 && static_cast<std::byte*>(last.iov_base) + last.iov_len == data) {
    last.iov_len += bytes;
    return;
  }
  parts_.push_back({const_cast<std::byte*>(data), bytes});
}

void RecordWriter::add_raw(PageIndex page, const std::byte* data, std::uint64_t page_bytes,
                           bool new_region) {
  if (wire::TableEntry* last = extendable(page, kRaw, new_region)) {
    ++last->pages;
    last->payload_bytes += static_cast<std::uint32_t>(page_bytes);
  } else {
    table_.push_back({.page = page,
                      .payload_bytes = static_cast<std::uint32_t>(page_bytes),
                      .pages = 1,
                      .content = wire::kContentRaw,
                      .members = 0});
  }
  ++pages_[wire::kContentRaw];
  append_payload(data, page_bytes);
}

void RecordWriter::add_zero(PageIndex page, bool new_region) {
  ++pages_[wire::kContentZero];
  if (wire::TableEntry* last = extendable(page, kZero, new_region)) {
    ++last->pages;
    return;
  }
  table_.push_back(
      {.page = page, .payload_bytes = 0, .pages = 1, .content = wire::kContentZero, .members = 0});
}

void RecordWriter::add_fill(PageIndex page, std::uint64_t word, bool new_region) {
  ++pages_[wire::kContentFill];
  wire::TableEntry* last = extendable(page, kFill, new_region);
  // The payload of the entry before is the last of the payload.
  if (last != nullptr && std::memcmp(encoded_end() - sizeof(word), &word, sizeof(word)) == 0) {
    ++last->pages;
    return;
  }
  table_.push_back({.page = page,
                    .payload_bytes = sizeof(word),
                    .pages = 1,
                    .content = wire::kContentFill,
                    .members = 0});
  std::memcpy(encoded_end(), &word, sizeof(word));
  take_room(sizeof(word));
}

std::span<std::byte> RecordWriter::room(std::uint64_t bytes) { return {encoded_end(), bytes}; }

void RecordWriter::take_room(std::uint64_t bytes) {
  append_payload(encoded_end(), bytes);
  encoded_bytes_ += bytes;
}

std::uint64_t RecordWriter::block_head(std::span<const PageIndex> members) {
  const std::uint64_t pages = members.back() - members.front() + 1;
  return pages == members.size() ? 0 : wire::bitmap_bytes(pages);
}

void RecordWriter::add_block(std::span<const PageIndex> members, std::uint8_t content,
                             std::uint64_t bytes) {
  const std::uint64_t head = block_head(members);
  std::byte* bitmap = encoded_end();
  std::fill_n(bitmap, head, std::byte{0});
  if (head > 0) {
    for (const PageIndex page : members) {
      const std::uint64_t bit = page - members.front();
      bitmap[bit / 8] |= std::byte{1} << (bit % 8);
    }
  }
  table_.push_back({.page = members.front(),
                    .payload_bytes = static_cast<std::uint32_t>(head + bytes),
                    .pages = static_cast<std::uint16_t>(members.back() - members.front() + 1),
                    .content = content,
                    .members = static_cast<std::uint8_t>(members.size())});
  pages_[content] += members.size();
  take_room(head + bytes);
}

void RecordWriter::add_copied(PageIndex page, std::uint64_t page_bytes, bool new_region) {
  add_raw(page, encoded_end(), page_bytes, new_region);
  encoded_bytes_ += page_bytes;
}

void RecordWriter::add_missing(PageRange run, std::span<const std::byte> bitmap) {
  table_.push_back({.page = run.first,
                    .payload_bytes = static_cast<std::uint32_t>(bitmap.size()),
                    .pages = static_cast<std::uint16_t>(run.count),
                    .content = wire::kContentMissing,
                    .members = 0});
  if (bitmap.empty()) return;
  std::memcpy(encoded_end(), bitmap.data(), bitmap.size());
  take_room(bitmap.size());
}

std::span<iovec> RecordWriter::parts() {
  header_ = {.type = wire::RecordType::kPages,
             .entries = static_cast<std::uint16_t>(table_.size()),
             .payload_bytes = static_cast<std::uint32_t>(payload_bytes_),
             .value = 0};
  parts_[0] = {&header_, sizeof(header_)};
  parts_[1] = {table_.data(), table_.size() * sizeof(wire::TableEntry)};
  return parts_;
}

void RecordWriter::clear() {
  table_.clear();
  parts_.resize(2);
  encoded_bytes_ = 0;
  payload_bytes_ = 0;
  pages_ = {};
}

wire::RecordHeader sync_record(std::uint64_t number) {
  return {.type = wire::RecordType::kSync, .entries = 0, .payload_bytes = 0, .value = number};
}

wire::RecordHeader request_record(PageIndex page) {
  return {.type = wire::RecordType::kRequest, .entries = 0, .payload_bytes = 0, .value = page};
}

}  // namespace pageferry
