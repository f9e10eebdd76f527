#include "pump/record_applier.h"

#include "codec/page_codec.h"
#include "wire/record_reader.h"

namespace pageferry {

namespace {

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
      buffer_(std::make_unique_for_overwrite<std::byte[]>(wire::kMaxPayloadBytes)),
      decoded_(std::make_unique_for_overwrite<std::byte[]>(
          arriving_->memory().regions().front().page_bytes)) {}

Result<RecordApplier::Applied> RecordApplier::apply(Socket& socket,
                                                    const wire::RecordHeader& header) {
  if (Status read = read_table(socket, header, arriving_->memory(), table_); !read.ok())
    return read;
  if (Status known = check_contents(table_); !known.ok()) return known;
  const ArrivingMemory::Record record(*arriving_);
  plan();
  if (Status received = socket.receive_all(parts_); !received.ok()) return received;
  Applied applied;
  for (const Piece& piece : pieces_) {
    if (piece.entry->content == wire::kContentMissing) {
      if (Status marked = mark_missing(piece); !marked.ok()) return marked;
      continue;
    }
    (piece.claimed ? applied.pages : applied.duplicates) += piece.run.count;
    if (!piece.claimed) continue;
    if (Status published = publish(piece); !published.ok()) return published;
  }
  return applied;
}

// Decides for each entry where its payload lands, claiming the pages on the way.
void RecordApplier::plan() {
  pieces_.clear();
  parts_.clear();
  buffered_ = 0;
  for (const wire::TableEntry& entry : table_) {
    const PageRange run = {entry.page, entry.pages};
    if (entry.content == wire::kContentRaw) {
      plan_raw(entry);
    } else if (entry.content == wire::kContentZero) {
      // One page at a time: some of them may have come on demand already.
      for (PageIndex page = run.first; page < run.end(); ++page) {
        const bool claimed = arriving_->claim(page);
        plan_piece({&entry, {page, 1}, nullptr, claimed}, nullptr, 0);
      }
    } else {
      const bool claimed = entry.content != wire::kContentMissing && arriving_->claim(entry.page);
      plan_piece({&entry, run, nullptr, claimed}, nullptr, entry.payload_bytes);
    }
  }
}

void RecordApplier::plan_raw(const wire::TableEntry& entry) {
  const std::uint64_t page_bytes = arriving_->memory().region_of(entry.page).page_bytes;
  for (PageIndex page = entry.page; page < entry.page + entry.pages; ++page) {
    const bool claimed = arriving_->claim(page);
    std::byte* landing = claimed ? arriving_->landing(page) : nullptr;
    plan_piece({&entry, {page, 1}, nullptr, claimed}, landing, page_bytes);
  }
}

// Adds a piece, or makes the last one longer when the new one continues it.
void RecordApplier::plan_piece(Piece piece, std::byte* landing, std::uint64_t bytes) {
  std::byte* target = landing;
  if (landing == nullptr && bytes > 0) {
    target = buffer_.get() + buffered_;
    piece.data = target;
    buffered_ += bytes;
  }
  const bool follows = !pieces_.empty() && pieces_.back().entry == piece.entry &&
                       pieces_.back().claimed == piece.claimed &&
                       (pieces_.back().data == nullptr) == (piece.data == nullptr);
  if (follows) {
    pieces_.back().run.count += piece.run.count;
  } else {
    pieces_.push_back(piece);
  }
  if (bytes == 0) return;
  if (!parts_.empty() &&
      static_cast<std::byte*>(parts_.back().iov_base) + parts_.back().iov_len == target) {
    parts_.back().iov_len += bytes;
  } else {
    parts_.push_back({target, bytes});
  }
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
