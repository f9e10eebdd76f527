#include "tracker/armed_chunks.h"

namespace pageferry {

ArmedChunks::ArmedChunks(const GuestMemory& memory, Protect protect)
    : memory_(memory),
      protect_(std::move(protect)),
      armed_(chunks_around({0, memory.page_count()}).count) {
  if (memory.backing() == Backing::kPrivate) armed_.set_range(armed_.all());
}

Status ArmedChunks::arm_populated() {
  const PageRange all = {0, memory_.page_count()};
  Status status = for_each_populated_chunk(all, [this](std::uint64_t chunk, PageRange) {
    armed_.set(chunk);
    return Status();
  });
  // In runs as long as possible: one call for a chunk costs more than the chunk.
  armed_.for_each_run(armed_.all(), [&](PageRange chunks) {
    if (status.ok()) status = arm(pages_within(chunks, all));
  });
  return status;
}

Status ArmedChunks::harvest_unarmed(PageRange range, PageBitmap& dirty) {
  const PageRange all = {0, memory_.page_count()};
  return for_each_populated_chunk(range, [&](std::uint64_t chunk, PageRange part) {
    // Of a chunk that is protected in part, the other part's writes would be forgotten.
    if (part.count == pages_within({chunk, 1}, all).count) {
      if (Status status = arm(part); !status.ok()) return status;
      armed_.set(chunk);
    }
    return memory_.for_each_populated_run(part, [&](PageRange run) { dirty.set_range(run); });
  });
}

Status ArmedChunks::peek_unarmed(PageRange range, PageBitmap& dirty) const {
  return for_each_populated_chunk(range, [&](std::uint64_t chunk, PageRange part) {
    return memory_.for_each_populated_run(part, [&](PageRange run) {
      // A harvest that has protected the chunk meanwhile may have looked at it before this page came,
      // and would then never report it. One that has not will look later than this.
      if (!armed_.test(chunk)) dirty.set_range(run);
    });
  });
}

// Calls visit(chunk, its part of the range) for each unprotected chunk that holds a page of the range.
template <class Visit>
Status ArmedChunks::for_each_populated_chunk(PageRange range, Visit visit) const {
  const PageRange chunks = chunks_around(range);
  for (std::uint64_t at = armed_.next_clear(chunks.first, chunks.end()); at < chunks.end();
       at = armed_.next_clear(at, chunks.end())) {
    const std::uint64_t end = armed_.next_set(at, chunks.end());
    const auto page = memory_.next_populated(pages_within({at, end - at}, range));
    if (!page.ok()) return page.status();
    at = page.value() / kChunkPages;
    if (page.value() >= end * kChunkPages || page.value() >= range.end()) {
      at = end;
      continue;
    }
    if (Status status = visit(at, pages_within({at, 1}, range)); !status.ok()) return status;
    ++at;
  }
  return Status();
}

Status ArmedChunks::arm(PageRange pages) {
  Status status;
  memory_.for_each_region(pages, [&](const Region&, PageRange part) {
    if (status.ok()) status = protect_(memory_.guest_range(part));
  });
  return status;
}

}  // namespace pageferry
