#include "send/sent_versions.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "os/prefetch.h"
#include "region/page_layout.h"
#include "wire/contents.h"

namespace pageferry {

namespace {

// The encodings of blocks that are kept as they were sent. A slower one to decode is not worth its room.
constexpr std::array kKept = {Encoding::kLz4, Encoding::kZstd, Encoding::kWkdm64};

std::optional<std::size_t> decoder_of(Encoding encoding) {
  const auto* found = std::ranges::find(kKept, encoding);
  if (found == kKept.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kKept.begin());
}

// Nothing where there are no addresses left.
Mapping places_of(std::uint64_t page_count) {
  auto mapped = Mapping::map_anonymous(page_count * kPageBytes);
  if (!mapped.ok()) return Mapping();
  // Pages of their own: a huge one would be backed for the first copy in it. Where the kernel has none it refuses.
  ::madvise(mapped.value().data(), mapped.value().size(), MADV_NOHUGEPAGE);
  return std::move(mapped.value());
}

}  // namespace

struct SentVersions::Block {
  Block(std::size_t with, std::size_t members, std::span<const std::byte> content)
      : decoder(with),
        pages(members),
        bytes(content.size()),
        encoded(std::make_unique_for_overwrite<std::byte[]>(content.size())),
        versions(members) {
    std::memcpy(encoded.get(), content.data(), content.size());
  }

  const std::size_t decoder;
  const std::size_t pages;
  const std::size_t bytes;
  const std::unique_ptr<std::byte[]> encoded;
  mutable std::size_t versions;  // that are pages of it
};

// One of three: nothing, a page of a block, a copy.
struct SentVersions::Version {
  std::shared_ptr<const Block> block;
  std::uint8_t member = 0;
  bool is_copy = false;
  bool has_place = false;
};

struct SentVersions::Stripe {
  std::array<Version, wire::kStripePages> versions;
};

SentVersions::SentVersions(std::uint64_t page_count, std::uint64_t budget_bytes)
    : copies_(budget_bytes == 0 ? Mapping() : places_of(page_count)),
      budget_bytes_(copies_.data() == nullptr ? 0 : budget_bytes),
      stripes_(keeps_any() ? (page_count + wire::kStripePages - 1) / wire::kStripePages : 0) {}

SentVersions::~SentVersions() = default;

SentVersions::Stripe* SentVersions::stripe_of(PageIndex page) const {
  return keeps_any() ? stripes_[page / wire::kStripePages].get() : nullptr;
}

bool SentVersions::has(PageIndex page) const {
  const Stripe* stripe = stripe_of(page);
  if (stripe == nullptr) return false;
  const Version& version = stripe->versions[page % wire::kStripePages];
  return version.block != nullptr || version.is_copy;
}

void SentVersions::prefetch(PageIndex page) const {
  const Stripe* stripe = stripe_of(page);
  if (stripe == nullptr || !stripe->versions[page % wire::kStripePages].is_copy) return;
  prefetch_page(place_of(page));
}

const std::byte* SentVersions::find(PageIndex page, VersionReader& reader) const {
  const Stripe* stripe = stripe_of(page);
  if (stripe == nullptr) return nullptr;
  const Version& version = stripe->versions[page % wire::kStripePages];
  if (version.is_copy) return place_of(page);
  if (version.block == nullptr) return nullptr;
  const std::byte* pages = reader.pages_of(version.block);
  return pages == nullptr ? nullptr : pages + version.member * kPageBytes;
}

// Adds to what is held, if there is room.
bool SentVersions::reserve(std::uint64_t bytes) {
  std::uint64_t held = held_bytes_.load(std::memory_order_relaxed);
  do {
    if (held + bytes > budget_bytes_) {
      lacked_room_.store(true, std::memory_order_relaxed);
      return false;
    }
  } while (!held_bytes_.compare_exchange_weak(held, held + bytes, std::memory_order_relaxed));
  return true;
}

void SentVersions::release(std::uint64_t bytes) {
  held_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
}

void SentVersions::drop(Version& version) {
  version.is_copy = false;
  if (version.block != nullptr && --version.block->versions == 0) {
    release(version.block->bytes);
  }
  version.block.reset();
}

// The versions of the page's stripe, which are made if there is room; null if there is not.
SentVersions::Stripe* SentVersions::stripe_for(PageIndex page) {
  auto& stripe = stripes_[page / wire::kStripePages];
  if (stripe == nullptr && reserve(sizeof(Stripe))) stripe = std::make_unique<Stripe>();
  return stripe.get();
}

void SentVersions::keep_block(std::span<const PageIndex> pages, Encoding encoding,
                              std::span<const std::byte> encoded) {
  for (const PageIndex page : pages) forget(page);
  const auto decoder = decoder_of(encoding);
  if (!keeps_any() || !decoder.has_value()) return;
  Stripe* stripe = stripe_for(pages.front());
  if (stripe == nullptr || !reserve(encoded.size())) return;
  const auto block = std::make_shared<const Block>(*decoder, pages.size(), encoded);
  for (std::size_t i = 0; i < pages.size(); ++i) {
    Version& version = stripe->versions[pages[i] % wire::kStripePages];
    version.block = block;
    version.member = static_cast<std::uint8_t>(i);
  }
}

void SentVersions::keep_page(PageIndex page, std::span<const std::byte> bytes) {
  if (!keeps_any()) return;
  Stripe* stripe = stripe_for(page);
  if (stripe == nullptr) return;
  Version& version = stripe->versions[page % wire::kStripePages];
  drop(version);
  version.has_place = version.has_place || reserve(kPageBytes);
  if (!version.has_place) return;
  std::memcpy(place_of(page), bytes.data(), bytes.size());
  version.is_copy = true;
}

void SentVersions::forget(PageIndex page) {
  Stripe* stripe = stripe_of(page);
  if (stripe != nullptr) drop(stripe->versions[page % wire::kStripePages]);
}

void SentVersions::make_room(std::uint64_t bytes, const PageBitmap& stay) {
  while (bytes_held() + bytes > budget_bytes_ && stripes_gone_through_ < stripes_.size()) {
    let_go_of_others(stripes_gone_through_++, stay);
  }
}

void SentVersions::let_go_of_others(std::size_t stripe, const PageBitmap& stay) {
  if (stripes_[stripe] == nullptr) return;
  const PageIndex end = std::min((stripe + 1) * wire::kStripePages, stay.page_count());
  for (PageIndex at = stripe * wire::kStripePages; at < end;) {
    const PageIndex first = stay.next_clear(at, end);
    at = stay.next_set(first, end);
    let_go(*stripes_[stripe], {first, at - first});
  }
}

// The versions of a run of pages of the stripe, and their places.
void SentVersions::let_go(Stripe& stripe, PageRange pages) {
  std::uint64_t places = 0;
  for (PageIndex page = pages.first; page < pages.end(); ++page) {
    Version& version = stripe.versions[page % wire::kStripePages];
    drop(version);
    places += version.has_place ? 1 : 0;
  }
  // A process that has locked its memory gives nothing back: the places stay taken then.
  if (places == 0 ||
      ::madvise(place_of(pages.first), pages.count * kPageBytes, MADV_DONTNEED) != 0) {
    return;
  }
  for (PageIndex page = pages.first; page < pages.end(); ++page) {
    stripe.versions[page % wire::kStripePages].has_place = false;
  }
  release(places * kPageBytes);
}

void SentVersions::clear() {
  for (auto& stripe : stripes_) stripe.reset();
  if (keeps_any()) ::madvise(copies_.data(), copies_.size(), MADV_DONTNEED);
  held_bytes_.store(0, std::memory_order_relaxed);
}

VersionReader::VersionReader()
    : decoded_(std::make_unique_for_overwrite<std::byte[]>(kMostBlockBytes)) {}

VersionReader::~VersionReader() = default;

// The pages of the block; null when they cannot be decoded, which is a fault of ours: then there is no version.
const std::byte* VersionReader::pages_of(const std::shared_ptr<const SentVersions::Block>& block) {
  if (block == last_) return decoded_.get();
  auto& decoder = decoders_[block->decoder];
  if (decoder == nullptr) decoder = make_block_decoder(kKept[block->decoder]);
  last_.reset();
  const Status decoded = decoder->decode({block->encoded.get(), block->bytes}, {},
                                         {decoded_.get(), block->pages * kPageBytes});
  if (!decoded.ok()) return nullptr;
  last_ = block;
  return decoded_.get();
}

}  // namespace pageferry
