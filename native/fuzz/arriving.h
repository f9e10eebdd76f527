// A stream of records that is applied to arriving memory, and what must be there afterwards.
//
// The guest is the one of test/vectors/v2, whose streams are inputs here: two regions of 12 and of 4 pages, in private
// memory with pages around each region that nobody may touch.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <map>
#include <memory>

#include "channel/record_io.h"
#include "codec/block_codec.h"
#include "fuzz/target.h"
#include "net/memory_stream_test_util.h"
#include "os/mapping.h"
#include "receive/record_applier.h"
#include "region/arriving_memory.h"

namespace pageferry::fuzzing {

inline constexpr std::uint64_t kRegionPages[] = {12, 4};
inline constexpr std::uint64_t kGuestPages = 16;

// Made once: mappings are slow to make, and so is what looks at them.
class FencedGuest {
 public:
  FencedGuest() {
    std::uint64_t pages = 1;
    for (const std::uint64_t count : kRegionPages) pages += count + 1;
    auto mapping = Mapping::map_anonymous(pages * kPageBytes);
    require(mapping.ok(), "there is memory for a guest");
    mapping_ = std::move(mapping.value());
    std::byte* at = mapping_.data();
    for (const std::uint64_t count : kRegionPages) {
      fence(at);
      ranges_.push_back({reinterpret_cast<std::uintptr_t>(at + kPageBytes), count * kPageBytes});
      at += kPageBytes + count * kPageBytes;
    }
    fence(at);
    auto memory = GuestMemory::adopt_private(ranges_);
    require(memory.ok(), "the guest's memory can be adopted");
    memory_ = std::move(memory.value());
  }

  // Nobody waits for it: an ArrivingMemory that has died leaves it so. It holds what the last run has left there.
  const std::shared_ptr<GuestMemory>& memory() const { return memory_; }
  const std::shared_ptr<GuestMemory>& zeroed_memory() const {
    for (const auto& [start, bytes] : ranges_) {
      std::memset(reinterpret_cast<void*>(static_cast<std::uintptr_t>(start)), 0, bytes);
    }
    return memory_;
  }

 private:
  static void fence(std::byte* at) {
    require(::mprotect(at, kPageBytes, PROT_NONE) == 0, "a page can be fenced");
  }

  Mapping mapping_;
  std::vector<AddressRange> ranges_;
  std::shared_ptr<GuestMemory> memory_;
};

// What a page must hold: these bytes; or nobody can tell, because the record that brings it was cut or is wrong.
struct Expected {
  Bytes content = Bytes(kPageBytes);
  bool certain = true;
};
using ExpectedPages = std::map<PageIndex, Expected>;

template <class Visit>
void for_each_named(const std::vector<wire::TableEntry>& table, Visit visit) {
  for (const wire::TableEntry& entry : table) {
    for (std::uint64_t i = 0; i < entry.pages; ++i) visit(entry.page + i);
  }
}

// Whether the guest runs: then no page has a base, and none may be called missing.
enum class Guest : std::uint8_t { kArriving, kRuns };

// The members of a block with a right entry; nothing where its bitmap is wrong.
inline std::optional<std::vector<PageIndex>> members_of(const wire::TableEntry& entry,
                                                        Input payload) {
  std::vector<PageIndex> members;
  for (std::uint64_t bit = 0; bit < entry.pages; ++bit) {
    const bool set = entry.members == entry.pages ||
                     (std::to_integer<unsigned>(payload[bit / 8]) >> (bit % 8) & 1) != 0;
    if (set) members.push_back(entry.page + bit);
  }
  if (entry.members == entry.pages) return members;
  for (std::uint64_t bit = entry.pages; bit % 8 != 0; ++bit) {
    if ((std::to_integer<unsigned>(payload[bit / 8]) >> (bit % 8) & 1) != 0) return std::nullopt;
  }
  const bool right = members.size() == entry.members && members.front() == entry.page &&
                     members.back() == entry.page + entry.pages - 1;
  return right ? std::optional(members) : std::nullopt;
}

// Adds the pages of a block whose payload has come. `before`: what its pages held. False where it is of no page.
inline bool add_block(const wire::TableEntry& entry, Input payload, const ExpectedPages& before,
                      Guest guest, ExpectedPages& pages) {
  const auto members = members_of(entry, payload);
  if (!members.has_value()) return false;
  const auto encoding = static_cast<Encoding>(entry.content);
  Bytes bases;
  if (needs_base(encoding)) {
    for (const PageIndex page : *members) {
      const auto base = before.find(page);
      if (guest == Guest::kRuns || base == before.end() || !base->second.certain) return false;
      bases.insert(bases.end(), base->second.content.begin(), base->second.content.end());
    }
  }
  Bytes decoded(members->size() * kPageBytes);
  const Input encoded = payload.subspan(wire::member_bitmap_bytes(entry));
  if (!make_block_decoder(encoding)->decode(encoded, bases, decoded).ok()) return false;
  for (std::size_t i = 0; i < members->size(); ++i) {
    const auto at = decoded.begin() + static_cast<std::ptrdiff_t>(i * kPageBytes);
    pages[(*members)[i]].content.assign(at, at + kPageBytes);
  }
  return true;
}

// Adds the pages of an entry whose payload has come; as add_block().
inline bool add_entry(const wire::TableEntry& entry, Input payload, const ExpectedPages& before,
                      Guest guest, ExpectedPages& pages) {
  if (entry.content == wire::kContentMissing) return guest == Guest::kArriving;
  if (entry.members > 0) return add_block(entry, payload, before, guest, pages);
  for (std::uint64_t i = 0; i < entry.pages; ++i) {
    Bytes& page = pages[entry.page + i].content;
    if (entry.content == wire::kContentRaw) {
      std::ranges::copy(payload.subspan(i * kPageBytes, kPageBytes), page.begin());
    }
    if (entry.content == wire::kContentFill) {
      for (std::size_t at = 0; at < kPageBytes; ++at) page[at] = payload[at % 8];
    }
  }
  return true;
}

// The pages that a record with a right table brings, of whose payload so much has come. `before`: what the pages held.
// Nothing where the payload was cut or is of no page: how much of the record is applied then is the applier's affair. So
// it is with a record that calls pages missing while the guest runs.
inline std::optional<ExpectedPages> pages_of(const std::vector<wire::TableEntry>& table,
                                             Input payload, const ExpectedPages& before,
                                             Guest guest) {
  ExpectedPages pages;
  for (const wire::TableEntry& entry : table) {
    if (payload.size() < entry.payload_bytes) return std::nullopt;
    const Input of_entry = payload.first(entry.payload_bytes);
    payload = payload.subspan(entry.payload_bytes);
    if (!add_entry(entry, of_entry, before, guest, pages)) return std::nullopt;
  }
  return pages;
}

// Applies everything in the stream. Before each pages record calls record(table, payload that has come of it).
// Answers what ended the stream.
template <class Record>
Status apply_stream(const std::shared_ptr<ArrivingMemory>& arriving, Input input, Record record) {
  testing::MemoryStream stream(input, 1 + input.size() % 5000);
  RecordApplier applier(arriving, wire::ContentSet::all());
  while (true) {
    const auto header = receive_header(stream, wire::RecordType::kPages);
    if (!header.ok()) return header.status();
    if (header.value().type == wire::RecordType::kSync) continue;
    testing::MemoryStream ahead(stream.left());
    std::vector<wire::TableEntry> table;
    const bool right = receive_table(ahead, header.value(), arriving->memory().layout(),
                                     wire::ContentSet::all(), table)
                           .ok();
    if (right) record(table, ahead.left());
    const auto applied = applier.apply(stream, header.value());
    if (!applied.ok()) return applied.status();
    require(right, "a record whose table is wrong is not applied");
  }
}

// Which pages are there, from the first on, fences among them. One that is not holds zeros, and a read would make it.
inline std::vector<unsigned char> present_pages(const GuestMemory& memory) {
  std::byte* first = memory.engine_page(0);
  const std::size_t bytes = memory.engine_page(kGuestPages - 1) + kPageBytes - first;
  std::vector<unsigned char> present(bytes / kPageBytes);
  require(::mincore(first, bytes, present.data()) == 0, "the kernel says which pages are there");
  return present;
}

inline void compare(const GuestMemory& memory, const ExpectedPages& expected) {
  static const Bytes untouched(kPageBytes);
  const auto present = present_pages(memory);
  for (PageIndex page = 0; page < kGuestPages; ++page) {
    const auto found = expected.find(page);
    if (found != expected.end() && !found->second.certain) continue;
    const auto at = (memory.engine_page(page) - memory.engine_page(0)) / kPageBytes;
    if (found == expected.end() && present[at] == 0) continue;
    const Bytes& content = found == expected.end() ? untouched : found->second.content;
    const bool holds = std::memcmp(memory.engine_page(page), content.data(), kPageBytes) == 0;
    if (!holds) std::fprintf(stderr, "page %llu\n", static_cast<unsigned long long>(page));
    require(holds, "a page holds what its records say");
  }
}

}  // namespace pageferry::fuzzing
