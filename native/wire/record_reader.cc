#include "wire/record_reader.h"

#include <string>

namespace pageferry {

namespace {

Status violation(std::string what) { return Status(StatusCode::kProtocol, std::move(what)); }

// `entry` has pages, at most as many as its content may have.
bool members_fit(const wire::ContentTraits& content, const wire::TableEntry& entry) {
  if (content.payload != wire::Payload::kBlock) return entry.members == 0;
  return entry.members >= 1 && entry.members <= wire::kMaxMembers && entry.members <= entry.pages;
}

// `entry` has pages and members that fit its content.
bool payload_fits(const wire::ContentTraits& content, const wire::TableEntry& entry) {
  const std::uint64_t bytes = entry.payload_bytes;
  switch (content.payload) {
    case wire::Payload::kPages:
      return bytes == entry.pages * kPageBytes;
    case wire::Payload::kNone:
      return bytes == 0;
    case wire::Payload::kWord:
      return bytes == wire::kWordBytes;
    case wire::Payload::kBlock: {
      const std::uint64_t bitmap = wire::member_bitmap_bytes(entry);
      return bytes > bitmap && bytes - bitmap < entry.members * kPageBytes;
    }
    case wire::Payload::kBitmap:
      return bytes == 0 || bytes == wire::bitmap_bytes(entry.pages);
  }
  return false;
}

bool leaves_stripe(const wire::TableEntry& entry) {
  return entry.page % wire::kStripePages + entry.pages > wire::kStripePages;
}

Status check_entry(const wire::TableEntry& entry, const PageLayout& layout,
                   const wire::ContentSet& accepted) {
  const std::string at = "entry for page " + std::to_string(entry.page);
  if (entry.pages == 0) return violation(at + " names no page");
  if (entry.page >= layout.page_count()) return violation(at + " is outside the guest's memory");
  if (entry.pages > layout.end_of_region(entry.page) - entry.page) {
    return violation(at + " runs past the end of its region");
  }
  const wire::ContentTraits* content = wire::find_content(entry.content);
  if (content == nullptr || !accepted.contains(entry.content)) {
    return violation(at + " has content " + std::to_string(entry.content) +
                     ", which was not accepted");
  }
  const bool is_block = content->payload == wire::Payload::kBlock;
  if (entry.pages > content->most_pages || (is_block && leaves_stripe(entry))) {
    return violation(at + " leaves its stripe");
  }
  if (!members_fit(*content, entry)) {
    return violation(at + " has " + std::to_string(entry.members) +
                     " members, which does not fit " + "its content and its " +
                     std::to_string(entry.pages) + " pages");
  }
  if (!payload_fits(*content, entry)) {
    return violation(at + " has a payload of " + std::to_string(entry.payload_bytes) +
                     " bytes, which does not fit its content");
  }
  return Status();
}

// Of any record that has a table or a payload.
Status check_bounds(const wire::RecordHeader& header) {
  if (header.entries > wire::kMaxEntries) {
    return violation("record with " + std::to_string(header.entries) + " entries");
  }
  if (header.payload_bytes > wire::kMaxPayloadBytes) {
    return violation("record with " + std::to_string(header.payload_bytes) + " bytes of payload");
  }
  return Status();
}

}  // namespace

Status check_header(const wire::RecordHeader& header, wire::RecordType expected) {
  if (wire::is_optional(header.type)) return check_bounds(header);
  const bool on_page_channel = expected == wire::RecordType::kPages;
  if (header.type != expected && !(on_page_channel && header.type == wire::RecordType::kSync)) {
    return violation("record of type " + std::to_string(static_cast<unsigned>(header.type)) +
                     " where it may not be");
  }
  if (header.type == wire::RecordType::kPages) {
    if (header.entries == 0) return violation("pages record without entries");
    if (header.value != 0) return violation("pages record whose value is not zero");
    return check_bounds(header);
  }
  if (header.entries != 0 || header.payload_bytes != 0) {
    return violation("sync or request record with entries or payload");
  }
  return Status();
}

Status check_table(const wire::RecordHeader& header, const PageLayout& layout,
                   const wire::ContentSet& accepted, std::span<const wire::TableEntry> table) {
  std::uint64_t sum = 0;
  PageIndex next = 0;
  for (const wire::TableEntry& entry : table) {
    if (Status checked = check_entry(entry, layout, accepted); !checked.ok()) return checked;
    // So no page is named twice.
    if (entry.page < next) {
      return violation("entry for page " + std::to_string(entry.page) +
                       " follows one that ends with page " + std::to_string(next - 1) +
                       "; the entries of a record ascend");
    }
    next = entry.page + entry.pages;
    sum += entry.payload_bytes;
  }
  if (sum != header.payload_bytes) {
    return violation("pages record whose entries hold " + std::to_string(sum) +
                     " bytes while its header says " + std::to_string(header.payload_bytes));
  }
  return Status();
}

Status read_members(const wire::TableEntry& entry, std::span<const std::byte> payload,
                    Members& members) {
  members.count = 0;
  if (entry.members == entry.pages) {
    for (PageIndex page = entry.page; page < entry.page + entry.pages; ++page) members.add(page);
    return Status();
  }
  const auto bitmap = payload.first(wire::bitmap_bytes(entry.pages));
  for (std::uint64_t bit = 0; bit < bitmap.size() * 8; ++bit) {
    if (((std::to_integer<unsigned>(bitmap[bit / 8]) >> (bit % 8)) & 1) == 0) continue;
    if (bit >= entry.pages || members.count == entry.members) {
      return violation("entry for page " + std::to_string(entry.page) +
                       " has a bitmap of more members than it has");
    }
    members.add(entry.page + bit);
  }
  const bool right = members.count == entry.members && members.pages.front() == entry.page &&
                     members.pages[members.count - 1] == entry.page + entry.pages - 1;
  if (right) return Status();
  return violation("entry for page " + std::to_string(entry.page) +
                   " has a bitmap of members that are not its own");
}

}  // namespace pageferry
