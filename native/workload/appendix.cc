#include "workload/appendix.h"

#include <cstring>

#include "workload/rng.h"

namespace pageferry {

namespace {

constexpr std::uint64_t kDigestBytes = 24;

std::uint64_t digest_bytes(const AppendixContent& content, std::uint64_t pages) {
  return content.digests ? pages * kDigestBytes : 0;
}

std::uint64_t trace_bytes(const TraceSize& trace) {
  return trace.intervals * TraceView::kIntervalBytes + trace.writes * TraceView::kWriteBytes;
}

std::uint64_t whole_pages(std::uint64_t bytes) { return (bytes + kPageBytes - 1) / kPageBytes; }

}  // namespace

std::uint64_t appendix_pages(const AppendixContent& content, std::uint64_t pages) {
  return whole_pages(digest_bytes(content, pages) + trace_bytes(content.trace));
}

std::uint64_t pages_before_appendix(const AppendixContent& content, std::uint64_t memory_pages) {
  const std::uint64_t trace = trace_bytes(content.trace);
  if (trace >= memory_pages * kPageBytes) return 0;
  // The most pages that are left room for, with what each takes in the appendix.
  const std::uint64_t per_page = kPageBytes + digest_bytes(content, 1);
  return (memory_pages * kPageBytes - trace) / per_page;
}

PageDigest Appendix::digest(PageIndex page) const {
  const std::byte* const at = start_ + page * kDigestBytes;
  return {load_guest_word(at), load_guest_word(at + kWordBytes),
          load_guest_word(at + 2 * kWordBytes)};
}

TraceView Appendix::trace() const {
  const TraceSize& size = content_.trace;
  return TraceView(start_ + digest_bytes(content_, pages_), size.intervals, size.writes);
}

std::uint64_t hash_appendix(const std::byte* start, std::uint64_t appendix_pages) {
  return hash_words(start, appendix_pages * kPageBytes, kGoldenGamma);
}

AppendixWriter::AppendixWriter(std::byte* start, const AppendixContent& content,
                               std::uint64_t pages)
    : start_(start), digest_bytes_(digest_bytes(content, pages)) {}

void AppendixWriter::set_digest(PageIndex page, const PageDigest& digest) {
  std::byte* const at = start_ + page * kDigestBytes;
  store_word(at, digest.slot_count);
  store_word(at + kWordBytes, digest.slot_hash);
  store_word(at + 2 * kWordBytes, digest.rest_hash);
}

void AppendixWriter::set_trace(const Trace& trace) {
  std::byte* at = start_ + digest_bytes_;
  for (const TraceInterval& interval : trace.intervals) {
    store_word(at, interval.end_ns);
    store_word(at + kWordBytes, interval.end_write);
    at += TraceView::kIntervalBytes;
  }
  if (!trace.writes.empty()) {
    std::memcpy(at, trace.writes.data(), trace.writes.size() * TraceView::kWriteBytes);
  }
}

}  // namespace pageferry
