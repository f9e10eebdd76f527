// The last pages of a guest's memory: what its description has no room for (docs/decisions/0030).
//
//   per page of the guest before the appendix, when the fill was captured:
//     u64 slot count, u64 slot hash, u64 rest hash   (0 for a page whose first content is not the fill's)
//   per interval of the trace: u64 nanoseconds at its end, u64 writes up to its end
//   per write of the trace: u32 page
//   zeros up to the end of the last page
//
// Thread contract: pure functions and plain values. Nobody writes an appendix once it has been made.
#pragma once

#include <cstddef>
#include <cstdint>

#include "os/status.h"
#include "region/guest_memory.h"
#include "workload/page_digest.h"
#include "workload/trace.h"

namespace pageferry {

inline constexpr std::uint64_t kMaxTraceIntervals = 1 << 20;
inline constexpr std::uint64_t kMaxTraceWrites = 1 << 26;

struct TraceSize {
  std::uint64_t intervals = 0;
  std::uint64_t writes = 0;
};

// What the appendix of a guest holds.
struct AppendixContent {
  bool digests = false;
  TraceSize trace;
};

// The shortest appendix of a guest that has `pages` pages before it.
std::uint64_t appendix_pages(const AppendixContent& content, std::uint64_t pages);
// How many of `memory_pages` are before the appendix, which is all the others; 0 when it leaves none.
std::uint64_t pages_before_appendix(const AppendixContent& content, std::uint64_t memory_pages);

// Reads an appendix whose first byte is at `start`, after `pages` pages of the guest.
class Appendix {
 public:
  Appendix(const std::byte* start, const AppendixContent& content, std::uint64_t pages)
      : start_(start), content_(content), pages_(pages) {}

  PageDigest digest(PageIndex page) const;
  TraceView trace() const;

 private:
  const std::byte* start_;
  AppendixContent content_;
  std::uint64_t pages_;
};

// Of all bytes of an appendix of so many pages.
std::uint64_t hash_appendix(const std::byte* start, std::uint64_t appendix_pages);

// Writes one into memory that is zero.
class AppendixWriter {
 public:
  AppendixWriter(std::byte* start, const AppendixContent& content, std::uint64_t pages);
  // May be called from several threads at once, for different pages.
  void set_digest(PageIndex page, const PageDigest& digest);
  void set_trace(const Trace& trace);

 private:
  std::byte* start_;
  std::uint64_t digest_bytes_;
};

}  // namespace pageferry
