#include "send/page_encoder.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "codec/page_change.h"
#include "codec/page_class.h"
#include "codec/zero_page.h"
#include "os/prefetch.h"
#include "send/trials.h"

namespace pageferry {

namespace {

// A block that does not get below this share of its pages is sent as it is, which spares decoding it.
constexpr std::uint64_t kShrunkPercent = 95;
// A delta that is longer than this share of its pages is compared with the block without a base.
constexpr std::uint64_t kGoodDeltaPercent = 50;

// What a rung encodes pages by that have no base.
constexpr std::array kPushed = {Encoding::kLz4, Encoding::kZstd, Encoding::kWkdm64,
                                Encoding::kWkdm32, Encoding::kSparse};

ContentStats stats_of(std::uint64_t pages, std::uint64_t bytes_out,
                      std::chrono::steady_clock::duration took) {
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(took).count();
  return {.pages = pages,
          .bytes_in = pages * kPageBytes,
          .bytes_out = bytes_out,
          .encode_ns = static_cast<std::uint64_t>(ns)};
}

std::uint8_t content_of(Encoding encoding) { return static_cast<std::uint8_t>(encoding); }

// Repeats its first word. It is looked at only when its first words do: most pages say so at once.
bool repeats_one_word(const std::byte* page) {
  return std::memcmp(page, page + wire::kWordBytes, wire::kWordBytes) == 0 &&
         std::memcmp(page, page + wire::kWordBytes, kPageBytes - wire::kWordBytes) == 0;
}

// How what has changed of a page is encoded.
Encoding delta_encoding(Deltas deltas, PageBytes page, PageBytes base, Slower slower) {
  switch (deltas) {
    case Deltas::kByChange:
      return slower != Slower::kLink && has_changed_little(page, base) ? Encoding::kXbzrle
                                                                       : Encoding::kZstdDelta;
    case Deltas::kLz4:
      return Encoding::kLz4Delta;
    case Deltas::kXbzrle:
      return Encoding::kXbzrle;
    default:
      return Encoding::kZstdDelta;
  }
}

}  // namespace

// Pages of one stripe and one region that wait to be encoded together, and the record that they get into.
struct PageEncoder::Lane {
  // Nothing: the pages go as they are.
  explicit Lane(std::optional<Encoding> to) : encoding(to) {
    if (to.has_value()) encoder = make_block_encoder(*to);
    if (needs_bases()) {
      bases = std::make_unique_for_overwrite<std::byte[]>(kMostBlockBytes);
    }
  }
  bool needs_bases() const { return encoding.has_value() && needs_base(*encoding); }
  std::span<const PageIndex> named() const { return std::span(members).first(count); }
  std::span<const std::byte> content() const { return {pages.get(), count * kPageBytes}; }
  std::span<const std::byte> base() const {
    return needs_bases() ? std::span<const std::byte>(bases.get(), count * kPageBytes)
                         : std::span<const std::byte>();
  }

  const std::optional<Encoding> encoding;
  std::unique_ptr<BlockEncoder> encoder;
  RecordWriter record;
  std::array<PageIndex, kMostBlockPages> members;
  std::size_t count = 0;
  bool comes_again = false;  // one of them
  const Region* region = nullptr;
  std::unique_ptr<std::byte[]> pages = std::make_unique_for_overwrite<std::byte[]>(kMostBlockBytes);
  std::unique_ptr<std::byte[]> bases;
  Rung rung;
  Trials trials;
};

PageEncoder::PageEncoder(SourcePages& pages) : pages_(pages) {}

PageEncoder::~PageEncoder() = default;

void PageEncoder::begin(RecordSink& sink, Use use) {
  sink_ = &sink;
  use_ = use;
}

void PageEncoder::prepare_for_push() {
  direct_.reserve();
  for (const Encoding encoding : kPushed) lane_of(encoding).record.reserve();
}

// A push looks at no version, so that they can be let go meanwhile.
void PageEncoder::forget_version(PageIndex page) {
  if (use_ != Use::kPush) pages_.versions.forget(page);
}

// Versions of the pages that are gathered. After a final round nobody asks for any. In the first one nobody knows which pages
// come again, but for those that the guest is writing already; the others' are kept in the time that the link leaves to
// the encoders, because to keep a page may take as long as to encode it.
bool PageEncoder::keeps_versions(const Lane& lane) const {
  if (deltas() == Deltas::kNone || use_ == Use::kFinal) return false;
  return use_ == Use::kLive || lane.comes_again || sink_->slower() != Slower::kEncoders;
}

Rung PageEncoder::rung() const { return pages_.effort.rung(sink_->slower() == Slower::kLink); }

Deltas PageEncoder::deltas() const {
  if (use_ == Use::kPush || !pages_.versions.keeps_any()) return Deltas::kNone;
  return pages_.effort.deltas();
}

bool PageEncoder::lacks_version(PageIndex page) const {
  return deltas() != Deltas::kNone && pages_.versions.has_room() && !pages_.versions.has(page);
}

void PageEncoder::prefetch(PageIndex page) const {
  if (deltas() == Deltas::kNone) return;
  prefetch_page(pages_.memory->page_to_read(page));
  pages_.versions.prefetch(page);
}

PageEncoder::Lane& PageEncoder::lane_of(Encoding encoding) {
  auto& lane = lanes_[content_of(encoding)];
  if (lane == nullptr) lane = std::make_unique<Lane>(encoding);
  return *lane;
}

PageEncoder::Lane& PageEncoder::delta_lane(Deltas deltas, const std::byte* page,
                                           const std::byte* base) {
  return lane_of(delta_encoding(deltas, PageBytes(page, kPageBytes), PageBytes(base, kPageBytes),
                                sink_->slower()));
}

PageEncoder::Lane& PageEncoder::copied_lane() {
  auto& lane = lanes_.front();
  if (lane == nullptr) lane = std::make_unique<Lane>(std::nullopt);
  return *lane;
}

Encoding PageEncoder::encoding_for(const Rung& rung, const std::byte* page) const {
  if (rung.method == Method::kBlocks) return rung.encoding;
  switch (classify_page(PageBytes(page, kPageBytes))) {
    case PageClass::kSparse:
      return Encoding::kSparse;
    case PageClass::kSimilar:
      return Encoding::kWkdm32;
    default:
      return Encoding::kLz4;
  }
}

Status PageEncoder::add_page(const Region& region, PageIndex page, bool comes_again) {
  const std::byte* data = pages_.memory->page_to_read(page);
  if (is_zero_page(std::span(data, kPageBytes))) {
    if (Status room = make_room(direct_, 0, 1); !room.ok()) return room;
    direct_.add_zero(page, page == region.first_page);
    if (pages_.with_content.test(page)) pages_.with_content.clear(page);
    forget_version(page);
    count(wire::kContentZero, 1, 0, {});
    return Status();
  }
  pages_.with_content.set(page);
  const Rung rung = this->rung();
  const Deltas deltas = this->deltas();
  if (rung.method == Method::kRaw && deltas == Deltas::kNone) return add_raw(region, page, data);
  if (repeats_one_word(data)) {
    if (Status room = make_room(direct_, wire::kWordBytes, 1); !room.ok()) return room;
    std::uint64_t word = 0;
    std::memcpy(&word, data, sizeof(word));
    direct_.add_fill(page, word, page == region.first_page);
    forget_version(page);
    count(wire::kContentFill, 1, sizeof(word), {});
    return Status();
  }
  const std::byte* base = deltas == Deltas::kNone ? nullptr : pages_.versions.find(page, reader_);
  Lane& lane = base != nullptr               ? delta_lane(deltas, data, base)
               : rung.method == Method::kRaw ? copied_lane()
                                             : lane_of(encoding_for(rung, data));
  lane.rung = rung;
  return gather(lane, region, page, data, base, comes_again);
}

Status PageEncoder::add_raw(const Region& region, PageIndex page, const std::byte* data) {
  if (Status room = make_room(direct_, kPageBytes, 1); !room.ok()) return room;
  direct_.add_raw(page, data, kPageBytes, page == region.first_page);
  forget_version(page);
  count(wire::kContentRaw, 1, kPageBytes, {});
  return Status();
}

Status PageEncoder::add_missing(PageRange run, const PageBitmap& missing) {
  std::array<std::byte, wire::bitmap_bytes(wire::kStripePages)> bitmap = {};
  if (Status room = make_room(direct_, bitmap.size(), 1); !room.ok()) return room;
  const std::uint64_t count = missing.count(run);
  if (count == 0) return Status();
  if (count == run.count) {
    direct_.add_missing(run, {});
    return Status();
  }
  missing.for_each_run(run, [&](PageRange part) {
    for (PageIndex page = part.first; page < part.end(); ++page) {
      const std::uint64_t bit = page - run.first;
      bitmap[bit / 8] |= std::byte{1} << (bit % 8);
    }
  });
  direct_.add_missing(run, std::span(bitmap).first(wire::bitmap_bytes(run.count)));
  return Status();
}

// Copies the page into its lane, whose pages are encoded when they are as many as go together; and its base, where the
// lane needs one.
Status PageEncoder::gather(Lane& lane, const Region& region, PageIndex page, const std::byte* data,
                           const std::byte* base, bool comes_again) {
  const bool apart =
      lane.count > 0 &&
      (lane.region != &region || lane.members[0] / wire::kStripePages != page / wire::kStripePages);
  if (apart) {
    if (Status encoded = encode(lane); !encoded.ok()) return encoded;
  }
  lane.region = &region;
  std::memcpy(lane.pages.get() + lane.count * kPageBytes, data, kPageBytes);
  if (lane.needs_bases()) {
    std::memcpy(lane.bases.get() + lane.count * kPageBytes, base, kPageBytes);
  }
  lane.members[lane.count++] = page;
  lane.comes_again = lane.comes_again || comes_again;
  const bool is_live = use_ == Use::kFirst || use_ == Use::kLive;
  const std::size_t most = is_live ? kMostBlockPages : std::min<std::size_t>(16, kMostBlockPages);
  const std::size_t wanted = std::clamp<std::size_t>(lane.rung.block_pages, 1, most);
  return lane.count >= wanted ? encode(lane) : Status();
}

Status PageEncoder::encode(Lane& lane) {
  if (lane.count == 0) return Status();
  const std::uint64_t head = RecordWriter::block_head(lane.named());
  const std::uint64_t most = head + lane.count * kPageBytes;
  if (Status room = make_room(lane.record, most, lane.count); !room.ok()) return room;
  const bool is_tried = lane.encoding.has_value() && lane.trials.is_due();
  if (!is_tried || !add_encoded(lane, lane.record.room(most), head)) add_as_they_are(lane);
  lane.count = 0;
  lane.comes_again = false;
  return Status();
}

// Adds the lane's pages as one block, if that is shorter by enough.
bool PageEncoder::add_encoded(Lane& lane, std::span<std::byte> room, std::uint64_t head) {
  const auto started = Clock::now();
  const auto content = lane.content();
  const std::size_t limit = content.size() * kShrunkPercent / 100;
  const auto out = room.subspan(head, limit);
  Encoding encoding = *lane.encoding;
  auto length = lane.encoder->encode(content, lane.base(), lane.rung.level, out);
  const bool is_poor_delta = lane.needs_bases() && length.value_or(content.size()) >
                                                       content.size() * kGoodDeltaPercent / 100;
  if (is_poor_delta && lane.rung.method == Method::kBlocks) {
    if (again_ == nullptr) again_ = std::make_unique_for_overwrite<std::byte[]>(kMostBlockBytes);
    const std::size_t shorter = length.has_value() ? *length - 1 : limit;
    const auto plain = lane_of(lane.rung.encoding)
                           .encoder->encode(content, {}, lane.rung.level, {again_.get(), shorter});
    if (plain.has_value()) {
      std::memcpy(out.data(), again_.get(), *plain);
      length = plain;
      encoding = lane.rung.encoding;
    }
  }
  const auto took = Clock::now() - started;
  if (!length.has_value()) {
    lane.trials.did_not_shrink();
    count(wire::kContentRaw, 0, 0, took);
    return false;
  }
  lane.trials.shrank();
  const auto named = lane.named();
  if (!keeps_versions(lane)) {
    for (const PageIndex page : named) forget_version(page);
  } else if (needs_base(encoding)) {
    for (std::size_t i = 0; i < named.size(); ++i) {
      pages_.versions.keep_page(named[i], content.subspan(i * kPageBytes, kPageBytes));
    }
  } else {
    pages_.versions.keep_block(named, encoding, out.first(*length));
  }
  lane.record.add_block(named, content_of(encoding), *length);
  count(content_of(encoding), named.size(), head + *length, took);
  if (encoding == Encoding::kZstd) {
    stats_.zstd_level(lane.rung.level).add(stats_of(named.size(), head + *length, took));
  }
  return true;
}

// Where versions are kept the copy is sent, because it is what is kept; otherwise the page itself, which needs no copy.
void PageEncoder::add_as_they_are(Lane& lane) {
  const bool keeps = keeps_versions(lane);
  const auto named = lane.named();
  for (std::size_t i = 0; i < named.size(); ++i) {
    const bool new_region = named[i] == lane.region->first_page;
    if (keeps) {
      const auto page = lane.content().subspan(i * kPageBytes, kPageBytes);
      pages_.versions.keep_page(named[i], page);
      std::memcpy(lane.record.room(kPageBytes).data(), page.data(), page.size());
      lane.record.add_copied(named[i], kPageBytes, new_region);
    } else {
      forget_version(named[i]);
      lane.record.add_raw(named[i], pages_.memory->page_to_read(named[i]), kPageBytes, new_region);
    }
  }
  count(wire::kContentRaw, named.size(), named.size() * kPageBytes, {});
}

// On return the record has room for so many entries with so many bytes of payload together.
Status PageEncoder::make_room(RecordWriter& record, std::uint64_t bytes, std::size_t entries) {
  const bool full = record.full(bytes, entries) || record.payload_bytes() >= sink_->batch_bytes();
  return full ? pass_on(record) : Status();
}

Status PageEncoder::pass_on(RecordWriter& record) {
  pages_.encoded.add(std::exchange(stats_, {}));
  return sink_->take(record);
}

Status PageEncoder::flush() {
  for (const auto& lane : lanes_) {
    if (lane == nullptr) continue;
    if (Status encoded = encode(*lane); !encoded.ok()) return encoded;
    if (lane->record.empty()) continue;
    if (Status passed = pass_on(lane->record); !passed.ok()) return passed;
  }
  return direct_.empty() ? Status() : pass_on(direct_);
}

void PageEncoder::count(std::uint8_t content, std::uint64_t pages, std::uint64_t bytes_out,
                        Clock::duration took) {
  stats_[content].add(stats_of(pages, bytes_out, took));
}

}  // namespace pageferry
