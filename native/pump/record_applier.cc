#include "pump/record_applier.h"

#include <algorithm>

#include "channel/record_io.h"
#include "codec/page_codec.h"

namespace pageferry {

namespace {

// Payload of one step while guest threads wait for pages: 16 pages, which come in less time than a
// demand page takes, and are still in a core's cache when they are stored.
constexpr std::uint64_t kServingStepBytes = 64u << 10;

static_assert(wire::kContentRaw == static_cast<std::uint8_t>(PageCodecId::kRaw));
static_assert(wire::kContentZero == static_cast<std::uint8_t>(PageCodecId::kZero));
static_assert(wire::kContentLz4 == static_cast<std::uint8_t>(PageCodecId::kLz4));

}  // namespace

RecordApplier::RecordApplier(std::shared_ptr<ArrivingMemory> arriving,
                             const wire::ContentSet& accepted)
    : arriving_(std::move(arriving)),
      layout_(arriving_->memory().layout()),
      accepted_(accepted),
      // A record names a page once, and its payload is no longer than its pages.
      buffer_(std::make_unique_for_overwrite<std::byte[]>(
          std::min(kStepBytes, arriving_->memory().bytes()) + kMostPartBytes)),
      decoded_(std::make_unique_for_overwrite<std::byte[]>(
          arriving_->memory().regions().front().page_bytes)) {}

Result<RecordApplier::Applied> RecordApplier::apply(Stream& stream,
                                                    const wire::RecordHeader& header) {
  if (Status got = receive_table(stream, header, layout_, accepted_, table_); !got.ok()) return got;
  const ArrivingMemory::ApplicationGuard guard(*arriving_);
  Applied applied;
  for (position_ = {}; position_.entry < table_.size();) {
    plan_step(guard.in_place());
    if (Status received = stream.receive_all(parts_); !received.ok()) return received;
    if (Status stored = store_step(guard.in_place(), applied); !stored.ok()) return stored;
  }
  return applied;
}

// Decides for the next pages of the record where their payload is received.
void RecordApplier::plan_step(bool in_place) {
  pieces_.clear();
  parts_.clear();
  buffered_ = 0;
  step_bytes_ = 0;
  const std::uint64_t most = in_place ? kStepBytes : kServingStepBytes;
  while (position_.entry < table_.size() && step_bytes_ < most) {
    const wire::TableEntry& entry = table_[position_.entry];
    const PageRange left = {entry.page + position_.page, entry.pages - position_.page};
    position_.page += plan_part(entry, left, most - step_bytes_, in_place);
    if (position_.page == entry.pages) position_ = {position_.entry + 1, 0};
  }
}

// Plans some of the pages that are left of an entry, at least one; answers how many.
std::uint64_t RecordApplier::plan_part(const wire::TableEntry& entry, PageRange left,
                                       std::uint64_t room, bool in_place) {
  if (entry.content != wire::kContentRaw) {
    plan_aside(entry, left, entry.payload_bytes);
    return left.count;
  }
  const std::uint64_t page_bytes = arriving_->memory().region_of(left.first).page_bytes;
  const std::uint64_t fit = std::max<std::uint64_t>(1, room / page_bytes);
  const PageRange part = {left.first, std::min(left.count, fit)};
  if (in_place) {
    plan_in_place(entry, part, part.count * page_bytes);
  } else {
    plan_aside(entry, part, part.count * page_bytes);
  }
  return part.count;
}

void RecordApplier::plan_in_place(const wire::TableEntry& entry, PageRange run,
                                  std::uint64_t bytes) {
  pieces_.push_back({&entry, run, nullptr});
  arriving_->expect(run);
  plan_receive(arriving_->landing(run.first), bytes);
}

void RecordApplier::plan_aside(const wire::TableEntry& entry, PageRange run, std::uint64_t bytes) {
  std::byte* to = buffer_.get() + buffered_;
  pieces_.push_back({&entry, run, bytes > 0 ? to : nullptr});
  buffered_ += bytes;
  if (bytes > 0) plan_receive(to, bytes);
}

void RecordApplier::plan_receive(std::byte* to, std::uint64_t bytes) {
  step_bytes_ += bytes;
  if (!parts_.empty() &&
      static_cast<std::byte*>(parts_.back().iov_base) + parts_.back().iov_len == to) {
    parts_.back().iov_len += bytes;
  } else {
    parts_.push_back({to, bytes});
  }
}

Status RecordApplier::store_step(bool in_place, Applied& applied) {
  for (const Piece& piece : pieces_) {
    if (piece.entry->content == wire::kContentMissing) {
      if (Status marked = mark_missing(piece); !marked.ok()) return marked;
      continue;
    }
    const auto stored = store(piece, in_place);
    if (!stored.ok()) return stored.status();
    applied.pages += stored.value();
    applied.duplicates += piece.run.count - stored.value();
  }
  return Status();
}

// Answers how many pages of the piece were written.
Result<std::uint64_t> RecordApplier::store(const Piece& piece, bool in_place) {
  if (piece.entry->content == wire::kContentZero) return arriving_->store_zero(piece.run);
  if (piece.entry->content != wire::kContentRaw) return store_encoded(piece, in_place);
  if (!in_place) return arriving_->store(piece.run, piece.data);
  arriving_->landed(piece.run);
  return piece.run.count;
}

Result<std::uint64_t> RecordApplier::store_encoded(const Piece& piece, bool in_place) {
  const PageCodec* codec = find_page_codec(static_cast<PageCodecId>(piece.entry->content));
  const std::uint64_t page_bytes = arriving_->memory().region_of(piece.run.first).page_bytes;
  std::byte* page = in_place ? arriving_->landing(piece.run.first) : decoded_.get();
  const Status decoded =
      codec->decode({piece.data, piece.entry->payload_bytes}, {page, page_bytes});
  if (!decoded.ok()) return decoded;
  if (!in_place) return arriving_->store(piece.run, page);
  arriving_->landed(piece.run);
  return piece.run.count;
}

Status RecordApplier::mark_missing(const Piece& piece) {
  if (piece.data == nullptr) return arriving_->mark_missing(piece.run);
  for (std::uint64_t i = 0; i < piece.run.count; ++i) {
    const auto byte = std::to_integer<unsigned>(piece.data[i / 8]);
    if (((byte >> (i % 8)) & 1) == 0) continue;
    if (Status marked = arriving_->mark_missing({piece.run.first + i, 1}); !marked.ok()) {
      return marked;
    }
  }
  return Status();
}

}  // namespace pageferry
