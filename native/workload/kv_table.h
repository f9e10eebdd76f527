// The kv guest's hash table: open addressing with linear probing, in guest memory.
//
// The table is an array of buckets of one page each. A page is an array of entries of entry_bytes:
// key (8 bytes, 0: no entry), version (8), value (the rest); the bytes after the last whole entry
// are zero, and so is an entry without a key. Every page holds keys_per_page() keys, three quarters
// of its entries, inserted in the order of their numbers. Key number n lives in page n /
// keys_per_page(); it starts probing at the entry that its hash names and goes on, around the end
// of the page, to the first free one. Its version counts the SETs since the start, from 0; its
// value is computed from (key, version). So what a page must hold follows from its keys' versions
// alone.
//
// Thread contract: immutable. get() and set() run on the one guest thread that owns the page.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "region/guest_memory.h"

namespace pageferry {

class KvTable {
 public:
  // An entry has write_bytes bytes, but at least 24 (a value of one word). A SET writes all of it
  // but the key.
  KvTable(std::uint32_t write_bytes, std::uint64_t seed);

  std::uint64_t keys_per_page() const { return keys_per_page_; }
  PageIndex page_of(std::uint64_t number) const { return number / keys_per_page_; }

  // `page_bytes` is page_of(number) in the guest mapping. False when the key is not there or its
  // value is not the one its version asks for.
  bool get(const std::byte* page_bytes, std::uint64_t number) const;
  // False when the key is not there.
  bool set(std::byte* page_bytes, std::uint64_t number) const;

  // What `page` of the table holds when key i of the page has version versions[i].
  void render(PageIndex page, std::span<const std::uint64_t> versions, std::byte* out) const;

 private:
  std::uint64_t key(std::uint64_t number) const;
  // The entry's offset in the page, or kPageBytes when the page does not hold the key.
  std::size_t find(const std::byte* page_bytes, std::uint64_t key) const;
  std::size_t first_entry(std::uint64_t key) const;
  std::size_t next_entry(std::size_t entry) const { return entry + 1 == entries_ ? 0 : entry + 1; }

  std::size_t entry_bytes_;
  std::size_t entries_;  // per page
  std::uint64_t keys_per_page_;
  std::uint64_t seed_;
};

}  // namespace pageferry
