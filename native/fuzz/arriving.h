// A stream of records that is applied to arriving memory, and what must be there afterwards.
//
// The guest is the one of test/vectors/v2, whose streams are inputs here: two regions of 12 and of 4 pages, in private
// memory with pages around each region that nobody may touch.
#pragma once

#include <sys/mman.h>

#include <map>
#include <memory>

#include "channel/record_io.h"
#include "codec/page_codec.h"
#include "fuzz/target.h"
#include "net/memory_stream_test_util.h"
#include "os/mapping.h"
#include "pump/record_applier.h"
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

  // Memory that holds nothing, and for which nobody waits: an ArrivingMemory that has died leaves it so.
  const std::shared_ptr<GuestMemory>& fresh_memory() const {
    for (const AddressRange& range : ranges_) {
      auto* start = reinterpret_cast<void*>(static_cast<std::uintptr_t>(range.start));
      require(::madvise(start, range.bytes, MADV_DONTNEED) == 0, "memory can be given back");
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

// The pages that a record with a right table brings, of whose payload so much has come. Nothing where the payload was
// cut or is of no page: how much of the record is applied then is the applier's affair. So it is with a record that
// calls pages missing while the guest runs.
inline std::optional<ExpectedPages> pages_of(const std::vector<wire::TableEntry>& table,
                                             Input payload, bool missing_is_wrong) {
  ExpectedPages pages;
  for (const wire::TableEntry& entry : table) {
    if (payload.size() < entry.payload_bytes) return std::nullopt;
    const Input of_entry = payload.first(entry.payload_bytes);
    payload = payload.subspan(entry.payload_bytes);
    if (entry.content == wire::kContentMissing) {
      if (missing_is_wrong) return std::nullopt;
      continue;
    }
    const PageCodec* codec = find_page_codec(static_cast<PageCodecId>(entry.content));
    require(codec != nullptr, "each content but missing has a codec");
    for (std::uint64_t i = 0; i < entry.pages; ++i) {
      const bool raw = entry.content == wire::kContentRaw;
      Bytes& page = pages[entry.page + i].content;
      const Input of_page = raw ? of_entry.subspan(i * kPageBytes, kPageBytes) : of_entry;
      if (!codec->decode(of_page, page).ok()) return std::nullopt;
    }
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

inline void compare(const GuestMemory& memory, const ExpectedPages& expected) {
  static const Bytes untouched(kPageBytes);
  for (PageIndex page = 0; page < kGuestPages; ++page) {
    const auto found = expected.find(page);
    if (found != expected.end() && !found->second.certain) continue;
    const Bytes& content = found == expected.end() ? untouched : found->second.content;
    const bool holds = std::memcmp(memory.engine_page(page), content.data(), kPageBytes) == 0;
    if (!holds) std::fprintf(stderr, "page %llu\n", static_cast<unsigned long long>(page));
    require(holds, "a page holds what its records say");
  }
}

}  // namespace pageferry::fuzzing
