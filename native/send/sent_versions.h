// What the source has sent last of its pages: the bases of deltas (docs/compression.md, "Sent before").
//
// A version is kept as the block it was sent in, which costs no more work than keeping the bytes; or, where it was sent as
// a delta or as it is, as a copy of the page. A block that no version needs any more is let go. Every page has a place of its
// own for a copy, in one mapping as long as the guest, of which the system backs what was written; a place that was
// written stays taken. To allocate and free copies one by one costs as much again as to make them. What is in stays in:
// rounds sweep over memory, and a cache that made room for the newest would drop each page just before it comes again
// (LRU never hits then: docs/compression.md has the measurement). What does not fit is not kept, unless make_room() has
// let go of others.
//
// Thread contract: two pages of one stripe never at the same time; pages of different stripes, and the figures, from any
// thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "codec/block_codec.h"
#include "os/mapping.h"
#include "os/status.h"
#include "region/page_bitmap.h"
#include "region/page_layout.h"

namespace pageferry {

// Decodes kept blocks, the last one of them once for all of its pages. One for each thread that asks.
class VersionReader;

class SentVersions {
 public:
  // Holds at most so many bytes, those that it takes to find the versions among them; 0: nothing is kept. So it is where
  // the system has no addresses left.
  SentVersions(std::uint64_t page_count, std::uint64_t budget_bytes);
  ~SentVersions();
  SentVersions(const SentVersions&) = delete;
  SentVersions& operator=(const SentVersions&) = delete;

  bool keeps_any() const { return budget_bytes_ > 0; }
  // A page that has no place yet can be kept.
  bool has_room() const { return bytes_held() + kPageBytes <= budget_bytes_; }
  bool has(PageIndex page) const;
  // It comes soon: what is known of where it is gets into this core's caches.
  void prefetch(PageIndex page) const;
  // The version, a page long; null where there is none that can be read. It is there until the next call with this
  // reader, and until the page's version changes.
  const std::byte* find(PageIndex page, VersionReader& reader) const;

  // These pages, ascending and of one stripe, were sent in a block of this encoding, which needs no base.
  void keep_block(std::span<const PageIndex> pages, Encoding encoding,
                  std::span<const std::byte> encoded);
  // This page was sent with these bytes.
  void keep_page(PageIndex page, std::span<const std::byte> bytes);
  // Nobody knows what was sent of this page, or it is not worth keeping.
  void forget(PageIndex page);
  // Something was not kept because there was no room for it.
  bool lacked_room() const { return lacked_room_.load(std::memory_order_relaxed); }
  // Lets go of versions of pages that are not in the set, and of their places, until so many bytes are free or all are
  // gone. From one call to the next the set only grows, and no page outside of it gets a version any more: so each stripe
  // is gone through once. Nobody asks for a version meanwhile, and nobody keeps one.
  void make_room(std::uint64_t bytes, const PageBitmap& stay);
  // All are let go. Nobody asks for any meanwhile, and nobody keeps one.
  void clear();

  std::uint64_t bytes_held() const { return held_bytes_.load(std::memory_order_relaxed); }

 private:
  friend class VersionReader;
  struct Block;
  struct Version;
  struct Stripe;

  Stripe* stripe_of(PageIndex page) const;
  Stripe* stripe_for(PageIndex page);
  bool reserve(std::uint64_t bytes);
  void release(std::uint64_t bytes);
  void drop(Version& version);
  void let_go(Stripe& stripe, PageRange pages);
  void let_go_of_others(std::size_t stripe, const PageBitmap& stay);
  std::byte* place_of(PageIndex page) const { return copies_.data() + page * kPageBytes; }

  Mapping copies_;
  const std::uint64_t budget_bytes_;
  std::atomic<std::uint64_t> held_bytes_{0};
  std::atomic<bool> lacked_room_{false};
  // Null for a stripe of which nothing was ever kept.
  std::vector<std::unique_ptr<Stripe>> stripes_;
  // So many have made room.
  std::size_t stripes_gone_through_ = 0;
};

class VersionReader {
 public:
  VersionReader();
  ~VersionReader();

 private:
  friend class SentVersions;
  const std::byte* pages_of(const std::shared_ptr<const SentVersions::Block>& block);

  std::unique_ptr<BlockDecoder> decoders_[3];
  // The block that decoded_ holds. Kept, so that no other block can have its address.
  std::shared_ptr<const SentVersions::Block> last_;
  std::unique_ptr<std::byte[]> decoded_;
};

}  // namespace pageferry
