// A built-in guest: native threads that keep changing a guest's memory in a way that depends on the
// seed alone, so that after a migration every page can be recomputed and compared.
//
// Each guest thread owns a contiguous share of the working set and runs a deterministic sequence of
// operations on it; how many operations each thread has done is the guest's whole state (its "vCPU
// state"). verify() replays the sequence on version counters alone, and compares pages with what they
// must hold.
//
// A guest that goes through the snapshots of an image is another matter (snapshots.h): its memory
// follows from the image and the number of operations, and both sides have the file.
//
// What that needs and the description has no room for lies in the guest's memory itself, at its end:
// the appendix (appendix.h). The guest has all other pages; the working set is the first of them.
//
// Each page write is a read-modify-write of one slot of the page (write_bytes long): the slot's
// first 8-byte word goes up by one, the rest is recomputed from the page index and that word. So
// one lost write leaves the counter behind for ever, however many writes follow, and a torn write
// leaves a slot that does not match its counter.
//
// Thread contract: the public calls may come from any one thread at a time; progress() and
// longest_gap() from any thread at any time. Guest threads are native, so a guest thread that
// blocks on a demand fault blocks nobody else.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "image/image_file.h"
#include "os/status.h"
#include "region/guest_memory.h"
#include "workload/gap_watch.h"
#include "workload/page_sample.h"
#include "workload/trace.h"

namespace pageferry {

enum class WorkloadKind {
  kIdle,
  kSequential,
  kUniform,
  kHotset,
  kZipf,
  kPhased,
  kKv,
  kTrace,
  kSnapshots
};
enum class FillKind { kZero, kRandom, kText, kFile, kProcess, kImage };

struct WorkloadConfig {
  WorkloadKind kind = WorkloadKind::kUniform;
  // Pages [0, working set) of the guest; 0: all before the appendix, or all of the trace's or the
  // image's. It ends where the appendix begins.
  std::uint64_t working_set_bytes = 0;
  std::uint64_t writes_per_second =
      0;  // page writes of all threads together; 0: unlimited, or the trace's or the snapshots'
  std::uint32_t write_bytes = 64;  // 8 … 4096, a multiple of 8; for kv the size of an entry
  std::uint32_t threads = 1;       // 1 for a trace and for snapshots
  std::uint64_t seed = 1;
  FillKind fill = FillKind::kZero;
  std::string fill_path;  // kFile and kImage
  int fill_pid = 0;       // kProcess
};

struct WorkloadProgress {
  std::uint64_t operations;   // of all threads since the guest's first start, here or elsewhere
  std::uint64_t page_writes;  // those that wrote a page (a kv GET does not)
};

struct VerifyResult {
  std::uint64_t pages_compared;
  std::uint64_t pages_different;
  PageIndex first_different;  // meaningful when pages_different > 0
  // Operations that found no key or a value not as SET (kv), or a page that was not as it must be (snapshots).
  std::uint64_t failed_reads;
};

class Workload {
 public:
  // A guest in `memory` (local mapping) that has not started. Writes the initial content (fill) and the
  // appendix. `trace`: for kTrace, with at least one write; scaled down when the memory is smaller. kSnapshots goes
  // through the snapshots of the image that it is filled with, and needs as much memory as that.
  static Result<std::unique_ptr<Workload>> create(std::shared_ptr<GuestMemory> memory,
                                                  const WorkloadConfig& config,
                                                  const Trace& trace = {});

  // The guest that `description` describes, in memory that a migration is filling. Hostile bytes
  // give kProtocol, never a crash or an allocation beyond a small multiple of the memory's page
  // count. load_state() must follow before resume(). `images`: checked; a guest that goes through the snapshots of
  // an image arrives where that is one of them, and is kUnsupported elsewhere.
  static Result<std::unique_ptr<Workload>> arrive(std::shared_ptr<GuestMemory> memory,
                                                  const std::vector<std::uint8_t>& description,
                                                  const std::vector<SharedImage>& images = {});

  virtual ~Workload() = default;

  // What never changes: the configuration, and a hash of the appendix. Sent once, before round 0.
  virtual std::vector<std::uint8_t> description() const = 0;

  // With the working set resolved to whole pages. On an arrived guest fill_path and fill_pid are
  // unset: where a fill came from does not travel.
  virtual const WorkloadConfig& config() const = 0;
  // What create() filled the memory with, for people; empty on an arrived guest.
  virtual const std::string& fill_summary() const = 0;

  // Lets the guest threads run: they exist since create() or arrive(), so this cannot fail. Idempotent.
  virtual void resume() = 0;
  // CLOCK_MONOTONIC: when resume() last let the guest threads run, read just before; 0 before the first time.
  virtual std::int64_t resumed_at_ns() const = 0;
  // On return no guest thread reads or writes memory. Prompt (well under a millisecond once no
  // thread is inside a demand fault), also when writes are rate limited. Idempotent.
  virtual void pause() = 0;
  // True when the guest is paused within so long; otherwise pause() has to follow.
  virtual bool pause_within(std::chrono::nanoseconds patience) = 0;

  // Paused only. Small (some bytes per thread): it travels while nobody runs the guest.
  virtual Result<std::vector<std::uint8_t>> save_state() const = 0;
  virtual Status load_state(const std::vector<std::uint8_t>& state) = 0;

  virtual WorkloadProgress progress() const = 0;

  // Longest time between two consecutive marks of any one guest thread, in nanoseconds of
  // CLOCK_MONOTONIC, since start_gap_watch(); mark_timer.h says when a thread marks.
  // Counts the gap a thread is in right now. The watch, its longest gap so far and each thread's
  // last mark travel in the state (as a time before the pause, so that clocks of two hosts need not
  // agree); `away` (see set_time_away) is added on arrival.
  virtual void start_gap_watch() = 0;
  virtual std::uint64_t longest_gap_ns() const = 0;
  // So far apart the marks of a thread may be while nothing disturbs it: a gap is longer than what disturbed the
  // thread by no more.
  virtual std::uint64_t gap_resolution_ns() const = 0;
  // Of a guest that arrived: the same, split by where the gap lies. Each is the longest of any thread.
  virtual GapRecorder::AroundArrival gaps_around_arrival() const = 0;
  // Arriving guest only, after load_state and before or after resume(): the time from the pause on
  // the source to resumed_at_ns() here. Counts into the first gap of each thread. Until it is called the
  // guest takes 0.
  virtual void set_time_away(std::uint64_t nanoseconds) = 0;

  // Paused only; every page must be in place. Looks at the appendix, whatever the sample; when that is not as
  // it must be, it compares nothing else. Then replays, and compares the pages of the sample, in parallel on
  // up to `threads` threads. `cancelled` is looked at often.
  virtual Result<VerifyResult> verify(unsigned threads, const PageSample& sample,
                                      const std::atomic<bool>& cancelled) = 0;
};

}  // namespace pageferry
