#include "pump/record_applier.h"

#include <algorithm>

#include "codec/page_codec.h"
#include "wire/record_reader.h"

namespace pageferry {

namespace {

// Payload of one step. While guest threads wait for pages: 16 pages, received in less time than a demand
// page takes.
constexpr std::uint64_t kStepBytes = 1u << 20;
constexpr std::uint64_t kServingStepBytes = 64u << 10;
// What the last part of a step may have beyond that: one page, or a bitmap of missing pages.
constexpr std::uint64_t kMostPartBytes = std::max(kPageBytes, wire::kMaxPagesPerEntry / 8 + 1);

static_assert(wire::kContentRaw == static_cast<std::uint8_t>(PageCodecId::kRaw));
static_assert(wire::kContentZero == static_cast<std::uint8_t>(PageCodecId::kZero));

Status check_contents(std::span<const wire::TableEntry> table) {
  for (const wire::TableEntry& entry : table) {
    if (entry.content == wire::kContentMissing) continue;
    if (find_page_codec(static_cast<PageCodecId>(entry.content)) == nullptr) {
      return Status(StatusCode::kProtocol, "entry for page " + std::to_string(entry.page) +
                                               " has unknown content " +
                                               std::to_string(entry.content));
    }
  }
  return Status();
}

}  // namespace

RecordApplier::RecordApplier(std::shared_ptr<ArrivingMemory> arriving)
    : arriving_(std::move(arriving)),
      buffer_(std::make_unique_for_overwrite<std::byte[]>(kStepBytes + kMostPartBytes)),
      decoded_(std::make_unique_for_overwrite<std::byte[]>(
          arriving_->memory().regions().front().page_bytes)) {}

Result<RecordApplier::Applied> RecordApplier::apply(Socket& socket,
                                                    const wire::RecordHeader& header) {
  if (Status read = read_table(socket, header, arriving_->memory(), table_); !read.ok())
    return read;
  if (Status known = check_contents(table_); !known.ok()) return known;
  const ArrivingMemory::Record record(*arriving_);
  Applied applied;
  for (position_ = {}; position_.entry < table_.size();) {
    plan_step();
    if (Status received = socket.receive_all(parts_); !received.ok()) return received;
    if (Status published = publish_step(applied); !published.ok()) return published;
  }
  return applied;
}

// Decides for the next pages where their payload lands, claiming them on the way.
void RecordApplier::plan_step() {
  pieces_.clear();
  parts_.clear();
  buffered_ = 0;
  step_bytes_ = 0;
  const std::uint64_t most = arriving_->serving() ? kServingStepBytes : kStepBytes;
  while (position_.entry < table_.size() && step_bytes_ < most) {
    const wire::TableEntry& entry = table_[position_.entry];
    const PageRange left = {entry.page + position_.page, entry.pages - position_.page};
    position_.page += plan_part(entry, left, most - step_bytes_);
    if (position_.page == entry.pages) position_ = {position_.entry + 1, 0};
  }
}

// Plans some of the pages that are left of an entry, at least one; answers how many.
std::uint64_t RecordApplier::plan_part(const wire::TableEntry& entry, PageRange left,
                                       std::uint64_t room) {
  switch (entry.content) {
    case wire::kContentMissing:
      plan_piece({&entry, left, nullptr, false}, nullptr, entry.payload_bytes);
      return left.count;
    case wire::kContentZero:
      plan_claimed(entry, left, 0);
      return left.count;
    case wire::kContentRaw: {
      const std::uint64_t page_bytes = arriving_->memory().region_of(left.first).page_bytes;
      const std::uint64_t fit = std::max<std::uint64_t>(1, room / page_bytes);
      const PageRange part = {left.first, std::min(left.count, fit)};
      plan_claimed(entry, part, page_bytes);
      return part.count;
    }
    default:
      plan_piece({&entry, left, nullptr, arriving_->claim(left.first)}, nullptr,
                 entry.payload_bytes);
      return left.count;
  }
}

// Claims a run whose pages each have `page_bytes` of payload; a page that somebody else claimed is
// received aside.
void RecordApplier::plan_claimed(const wire::TableEntry& entry, PageRange run,
                                 std::uint64_t page_bytes) {
  arriving_->claim_run(run, [&](PageRange stretch, bool claimed) {
    const bool lands = claimed && page_bytes > 0;
    std::byte* landing = lands ? arriving_->landing(stretch.first) : nullptr;
    plan_piece({&entry, stretch, nullptr, claimed}, landing, stretch.count * page_bytes);
  });
}

// Adds a piece whose payload goes to `landing` or, without one, into the buffer.
void RecordApplier::plan_piece(Piece piece, std::byte* landing, std::uint64_t bytes) {
  if (landing == nullptr && bytes > 0) {
    landing = buffer_.get() + buffered_;
    piece.data = landing;
    buffered_ += bytes;
  }
  pieces_.push_back(piece);
  if (bytes == 0) return;
  step_bytes_ += bytes;
  if (!parts_.empty() &&
      static_cast<std::byte*>(parts_.back().iov_base) + parts_.back().iov_len == landing) {
    parts_.back().iov_len += bytes;
  } else {
    parts_.push_back({landing, bytes});
  }
}

Status RecordApplier::publish_step(Applied& applied) {
  for (const Piece& piece : pieces_) {
    if (piece.entry->content == wire::kContentMissing) {
      if (Status marked = mark_missing(piece); !marked.ok()) return marked;
      continue;
    }
    (piece.claimed ? applied.pages : applied.duplicates) += piece.run.count;
    if (!piece.claimed) continue;
    if (Status published = publish(piece); !published.ok()) return published;
  }
  return Status();
}

Status RecordApplier::publish(const Piece& piece) {
  if (piece.entry->content == wire::kContentRaw) return arriving_->publish(piece.run, piece.data);
  if (piece.entry->content == wire::kContentZero) return arriving_->publish_zero(piece.run);
  return publish_encoded(piece);
}

Status RecordApplier::publish_encoded(const Piece& piece) {
  const PageCodec* codec = find_page_codec(static_cast<PageCodecId>(piece.entry->content));
  const std::uint64_t page_bytes = arriving_->memory().region_of(piece.run.first).page_bytes;
  std::byte* landing = arriving_->landing(piece.run.first);
  std::byte* target = landing != nullptr ? landing : decoded_.get();
  const Status decoded =
      codec->decode({piece.data, piece.entry->payload_bytes}, {target, page_bytes});
  if (!decoded.ok()) return decoded;
  return arriving_->publish(piece.run, landing != nullptr ? nullptr : target);
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
