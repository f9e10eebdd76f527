// The bytes of a built-in guest's description and state. Version 1; fixed widths, little-endian.
//
//   description            state
//   u8  version            u8  version
//   u8  workload kind      u8  1: a gap watch is on
//   u8  fill kind          u32 running threads
//   u8  0                  per thread:
//   u32 bytes per write      u64 operations
//   u32 guest threads        u64 page writes
//   u64 pages of memory      u64 failed reads
//   u64 pages working set    u64 ns since the last mark
//   u64 writes per second    u64 ns of the longest gap
//   u64 seed
//   u64 intervals of the trace
//   u64 writes of the trace
//   u64 hash of the appendix; without one the id of the image whose snapshots the guest goes through, or 0
//
// Where a file, process or image fill came from stays at home: only its digests travel, in the appendix. A guest
// that goes through snapshots has none: the other side has the image, too, and finds it by its id.
//
// Thread contract: pure functions. Bytes from a peer are checked before anything is allocated;
// whatever is wrong with them is kProtocol.
#pragma once

#include <cstdint>
#include <vector>

#include "os/status.h"
#include "workload/gap_watch.h"
#include "workload/guest_layout.h"
#include "workload/guest_thread.h"

namespace pageferry {

struct Description {
  GuestLayout layout;
  std::uint64_t appendix_hash;
};

std::vector<std::uint8_t> encode_description(const GuestLayout& layout,
                                             std::uint64_t appendix_hash);
// `memory_pages`: of the memory that is here for the guest.
Result<Description> decode_description(const std::vector<std::uint8_t>& bytes,
                                       std::uint64_t memory_pages);

struct GuestState {
  struct Thread {
    GuestThread::Progress progress;
    GapRecorder::Saved gaps;
  };
  bool gap_watch = false;
  std::vector<Thread> threads;
};

std::vector<std::uint8_t> encode_state(const GuestState& state);
Result<GuestState> decode_state(const std::vector<std::uint8_t>& bytes, const GuestLayout& layout);

}  // namespace pageferry
