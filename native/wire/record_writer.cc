#include "wire/record_writer.h"

#include <cstring>

namespace pageferry {

namespace {

// One record's payload: many pages to a system call, and soon over when a sync waits behind.
constexpr std::uint64_t kPayloadBytes = 1u << 20;

constexpr const wire::ContentTraits& kRaw = *wire::find_content(wire::kContentRaw);
constexpr const wire::ContentTraits& kZero = *wire::find_content(wire::kContentZero);

}  // namespace

RecordWriter::RecordWriter() : parts_(2) {}

// Not before it is needed: an empty final round must not wait for a megabyte of fresh memory.
std::byte* RecordWriter::encoded_end() {
  if (encoded_ == nullptr) encoded_ = std::make_unique_for_overwrite<std::byte[]>(kPayloadBytes);
  return encoded_.get() + encoded_bytes_;
}

bool RecordWriter::full(std::uint64_t page_bytes) const {
  return table_.size() >= wire::kMaxEntries || payload_bytes_ + page_bytes > kPayloadBytes;
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
                      .reserved = 0});
  }
  append_payload(data, page_bytes);
}

void RecordWriter::add_zero(PageIndex page, bool new_region) {
  if (wire::TableEntry* last = extendable(page, kZero, new_region)) {
    ++last->pages;
    return;
  }
  table_.push_back(
      {.page = page, .payload_bytes = 0, .pages = 1, .content = wire::kContentZero, .reserved = 0});
}

std::span<std::byte> RecordWriter::encode_room(std::uint64_t page_bytes) {
  return {encoded_end(), page_bytes};
}

void RecordWriter::add_encoded(PageIndex page, std::uint8_t content, std::uint32_t bytes) {
  table_.push_back(
      {.page = page, .payload_bytes = bytes, .pages = 1, .content = content, .reserved = 0});
  append_payload(encoded_end(), bytes);
  encoded_bytes_ += bytes;
}

void RecordWriter::add_missing(PageRange run, std::span<const std::byte> bitmap) {
  table_.push_back({.page = run.first,
                    .payload_bytes = static_cast<std::uint32_t>(bitmap.size()),
                    .pages = static_cast<std::uint16_t>(run.count),
                    .content = wire::kContentMissing,
                    .reserved = 0});
  if (bitmap.empty()) return;
  std::memcpy(encoded_end(), bitmap.data(), bitmap.size());
  append_payload(encoded_end(), bitmap.size());
  encoded_bytes_ += bitmap.size();
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
}

wire::RecordHeader sync_record(std::uint64_t number) {
  return {.type = wire::RecordType::kSync, .entries = 0, .payload_bytes = 0, .value = number};
}

wire::RecordHeader request_record(PageIndex page) {
  return {.type = wire::RecordType::kRequest, .entries = 0, .payload_bytes = 0, .value = page};
}

}  // namespace pageferry
