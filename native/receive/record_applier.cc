#include "receive/record_applier.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "channel/record_io.h"

namespace pageferry {

namespace {

// Payload of one step while guest threads wait for pages: 16 pages, which come in less time than a
// demand page takes, and are still in a core's cache when they are stored.
constexpr std::uint64_t kServingStepBytes = 64u << 10;

static_assert(wire::kContentLz4 == static_cast<std::uint8_t>(Encoding::kLz4));
static_assert(wire::kContentZstd == static_cast<std::uint8_t>(Encoding::kZstd));
static_assert(wire::kContentWkdm64 == static_cast<std::uint8_t>(Encoding::kWkdm64));
static_assert(wire::kContentWkdm32 == static_cast<std::uint8_t>(Encoding::kWkdm32));
static_assert(wire::kContentSparse == static_cast<std::uint8_t>(Encoding::kSparse));
static_assert(wire::kContentZstdDelta == static_cast<std::uint8_t>(Encoding::kZstdDelta));
static_assert(wire::kContentLz4Delta == static_cast<std::uint8_t>(Encoding::kLz4Delta));
static_assert(wire::kContentXbzrle == static_cast<std::uint8_t>(Encoding::kXbzrle));
static_assert(kPageBytes == kCodecPageBytes && wire::kMaxMembers == kMostBlockPages);

bool is_block(const wire::TableEntry& entry) {
  return wire::find_content(entry.content)->payload == wire::Payload::kBlock;
}

bool needs_a_base(const wire::ContentSet& accepted) {
  return std::ranges::any_of(wire::kContents, [&](const wire::ContentTraits& content) {
    return content.needs_base && accepted.contains(content.id);
  });
}

Status violation(const wire::TableEntry& entry, const std::string& what) {
  return Status(StatusCode::kProtocol, "block of page " + std::to_string(entry.page) + ": " + what);
}

}  // namespace

RecordApplier::RecordApplier(std::shared_ptr<ArrivingMemory> arriving,
                             const wire::ContentSet& accepted)
    : arriving_(std::move(arriving)),
      layout_(arriving_->memory().layout()),
      accepted_(accepted),
      // A record names a page once, and its payload is no longer than its pages.
      buffer_(std::make_unique_for_overwrite<std::byte[]>(
          std::min(kStepBytes, arriving_->memory().bytes()) + kMostPartBytes)) {
  if (needs_a_base(accepted_)) received_.emplace(layout_.page_count());
}

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
    const std::uint64_t brought = is_block(*piece.entry) ? piece.entry->members : piece.run.count;
    applied.pages += stored.value();
    applied.duplicates += brought - stored.value();
  }
  return Status();
}

// Answers how many pages of the piece were written.
Result<std::uint64_t> RecordApplier::store(const Piece& piece, bool in_place) {
  if (is_block(*piece.entry)) return store_block(piece, in_place);
  if (received_.has_value()) received_->set_range(piece.run);
  switch (piece.entry->content) {
    case wire::kContentZero:
      return arriving_->store_zero(piece.run);
    case wire::kContentFill:
      return store_fill(piece, in_place);
    default:
      if (!in_place) return arriving_->store(piece.run, piece.data);
      arriving_->landed(piece.run);
      return piece.run.count;
  }
}

Result<std::uint64_t> RecordApplier::store_fill(const Piece& piece, bool in_place) {
  std::array<std::byte, kPageBytes> page;
  for (std::size_t at = 0; at < page.size(); at += wire::kWordBytes) {
    std::copy_n(piece.data, wire::kWordBytes, page.data() + at);
  }
  if (in_place) arriving_->expect(piece.run);
  std::uint64_t stored = 0;
  for (PageIndex at = piece.run.first; at < piece.run.end(); ++at) {
    const auto one = arriving_->store({at, 1}, page.data());
    if (!one.ok()) return one.status();
    stored += one.value();
  }
  return stored;
}

// Decodes a block aside, and stores its pages one run after the other: while the guest runs, nothing may lie between
// the claim of a page and its mapping.
Result<std::uint64_t> RecordApplier::store_block(const Piece& piece, bool in_place) {
  const wire::TableEntry& entry = *piece.entry;
  const std::span<const std::byte> payload(piece.data, entry.payload_bytes);
  if (Status read = read_members(entry, payload, members_); !read.ok()) return read;
  auto& decoder = decoders_[entry.content];
  if (decoder == nullptr) decoder = make_block_decoder(static_cast<Encoding>(entry.content));
  if (decoded_ == nullptr) decoded_ = std::make_unique_for_overwrite<std::byte[]>(kMostBlockBytes);
  std::span<const std::byte> bases;
  if (Status read = read_bases(piece, in_place, bases); !read.ok()) return read;
  const auto encoded = payload.subspan(wire::member_bitmap_bytes(entry));
  const bool lie_in_place = bases.data() == arriving_->landing(members_.pages[0]);
  if (lie_in_place && decodes_in_place(static_cast<Encoding>(entry.content))) {
    return change_in_place(entry, *decoder, encoded);
  }
  const Status decoded =
      decoder->decode(encoded, bases, {decoded_.get(), members_.count * kPageBytes});
  if (!decoded.ok()) return violation(entry, decoded.message());
  std::uint64_t stored = 0;
  for (std::size_t i = 0; i < members_.count;) {
    PageRange run = {members_.pages[i], 1};
    while (i + run.count < members_.count && members_.pages[i + run.count] == run.end()) {
      ++run.count;
    }
    if (in_place) arriving_->expect(run);
    if (received_.has_value()) received_->set_range(run);
    const auto written = arriving_->store(run, decoded_.get() + i * kPageBytes);
    if (!written.ok()) return written.status();
    stored += written.value();
    i += run.count;
  }
  return stored;
}

// Of neighbours. A block that is wrong leaves them half changed, which nobody sees: the migration ends before its guest
// runs here.
Result<std::uint64_t> RecordApplier::change_in_place(const wire::TableEntry& entry,
                                                     BlockDecoder& decoder,
                                                     std::span<const std::byte> encoded) {
  const PageRange run = {members_.pages[0], members_.count};
  arriving_->expect(run);
  const std::span pages(arriving_->landing(run.first), run.count * kPageBytes);
  if (Status decoded = decoder.decode(encoded, pages, pages); !decoded.ok()) {
    return violation(entry, decoded.message());
  }
  arriving_->landed(run);
  return run.count;
}

// What the members held before, where their content needs it: before the switchover that is at their landing. There it
// is read from where neighbours lie one behind the other, and gathered otherwise.
Status RecordApplier::read_bases(const Piece& piece, bool in_place,
                                 std::span<const std::byte>& bases) {
  if (!wire::find_content(piece.entry->content)->needs_base) return Status();
  if (!in_place) return violation(*piece.entry, "after the switchover no page has a base");
  const auto members = std::span(members_.pages).first(members_.count);
  for (const PageIndex page : members) {
    if (!received_->test(page)) {
      return violation(*piece.entry, "page " + std::to_string(page) +
                                         " has no base, because no record of it came before");
    }
  }
  if (members.back() - members.front() + 1 == members.size()) {
    bases = {arriving_->landing(members.front()), members.size() * kPageBytes};
    return Status();
  }
  if (bases_ == nullptr) bases_ = std::make_unique_for_overwrite<std::byte[]>(kMostBlockBytes);
  for (std::size_t i = 0; i < members.size(); ++i) {
    std::memcpy(bases_.get() + i * kPageBytes, arriving_->landing(members[i]), kPageBytes);
  }
  bases = {bases_.get(), members.size() * kPageBytes};
  return Status();
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
