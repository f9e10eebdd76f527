#include "workload/kv_table.h"

#include <algorithm>
#include <cstring>

#include "workload/guest_words.h"
#include "workload/rng.h"

namespace pageferry {

namespace {

constexpr std::size_t kVersionOffset = 8;
constexpr std::size_t kValueOffset = 16;
constexpr std::size_t kMinEntryBytes = 24;

inline std::uint64_t value_word(std::uint64_t key, std::uint64_t version, std::size_t offset) {
  return mix64(key + version * kGoldenGamma + (offset << 48));
}

}  // namespace

KvTable::KvTable(std::uint32_t write_bytes, std::uint64_t seed)
    : entry_bytes_(std::max<std::size_t>(write_bytes, kMinEntryBytes)),
      entries_(kPageBytes / entry_bytes_),
      keys_per_page_(std::max<std::uint64_t>(1, entries_ * 3 / 4)),
      seed_(mix64(seed)) {}

std::uint64_t KvTable::key(std::uint64_t number) const {
  const std::uint64_t key = mix64(seed_ + number * kGoldenGamma);
  // 0 marks an entry without a key. Odd multiplier and bijection: only one number can meet it.
  return key == 0 ? seed_ | 1 : key;
}

std::size_t KvTable::first_entry(std::uint64_t key) const {
  return scale_below(mix64(key), entries_);
}

[[gnu::no_sanitize_thread]] std::size_t KvTable::find(const std::byte* page_bytes,
                                                      std::uint64_t key) const {
  std::size_t entry = first_entry(key);
  for (std::size_t probes = 0; probes < entries_; ++probes, entry = next_entry(entry)) {
    const std::uint64_t found = load_guest_word(page_bytes + entry * entry_bytes_);
    if (found == key) return entry * entry_bytes_;
    if (found == 0) break;
  }
  return kPageBytes;
}

[[gnu::no_sanitize_thread]] bool KvTable::get(const std::byte* page_bytes,
                                              std::uint64_t number) const {
  const std::uint64_t wanted = key(number);
  const std::size_t offset = find(page_bytes, wanted);
  if (offset == kPageBytes) return false;
  const std::byte* const entry = page_bytes + offset;
  const std::uint64_t version = load_guest_word(entry + kVersionOffset);
  std::uint64_t difference = 0;
  for (std::size_t at = kValueOffset; at < entry_bytes_; at += kWordBytes) {
    difference |= load_guest_word(entry + at) ^ value_word(wanted, version, at);
  }
  return difference == 0;
}

[[gnu::no_sanitize_thread]] bool KvTable::set(std::byte* page_bytes, std::uint64_t number) const {
  const std::uint64_t wanted = key(number);
  const std::size_t offset = find(page_bytes, wanted);
  if (offset == kPageBytes) return false;
  std::byte* const entry = page_bytes + offset;
  const std::uint64_t version = load_guest_word(entry + kVersionOffset) + 1;
  store_guest_word(entry + kVersionOffset, version);
  for (std::size_t at = kValueOffset; at < entry_bytes_; at += kWordBytes) {
    store_guest_word(entry + at, value_word(wanted, version, at));
  }
  return true;
}

void KvTable::render(PageIndex page, std::span<const std::uint64_t> versions,
                     std::byte* out) const {
  std::memset(out, 0, kPageBytes);
  for (std::uint64_t i = 0; i < keys_per_page_; ++i) {
    const std::uint64_t inserted = key(page * keys_per_page_ + i);
    std::size_t entry = first_entry(inserted);
    while (load_word(out + entry * entry_bytes_) != 0) entry = next_entry(entry);
    std::byte* const at = out + entry * entry_bytes_;
    store_word(at, inserted);
    store_word(at + kVersionOffset, versions[i]);
    for (std::size_t offset = kValueOffset; offset < entry_bytes_; offset += kWordBytes) {
      store_word(at + offset, value_word(inserted, versions[i], offset));
    }
  }
}

}  // namespace pageferry
