// Post-copy on the destination: the thread that guest threads wait for when they touch a page that is
// not here yet.
//
// It waits on the userfaultfd and the fault channel together: a fault on a missing page becomes a
// request, also when a page channel is receiving that page, and whichever copy is whole first wakes the
// guest thread. A second thread maps the pages
// that came before the switchover, so that they do not fault one by one. JavaScript takes no part: the
// thread that faults may be the JavaScript thread itself.
//
// Thread contract: counters and latencies from any thread. `on_failure` is called at most once, from
// the handler's thread, and then the handler has ended: guest threads that touch a missing page wait
// for ever, they never see zeros in its place. close() joins both threads, is idempotent, and leaves
// the registration as it is.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_set>

#include "net/stream.h"
#include "os/native_thread.h"
#include "os/status.h"
#include "os/unique_fd.h"
#include "receive/answer_reader.h"
#include "region/arriving_memory.h"

namespace pageferry {

class FaultHandler {
 public:
  using OnFailure = std::function<void(Status)>;

  // `arriving` is serving; `accepted` is what pages of the migration may be sent as. Fails when the system has no thread left, and with kPeerClosed when the fault
  // channel is dead already: then the guest must not be resumed here.
  static Result<std::unique_ptr<FaultHandler>> start(std::shared_ptr<ArrivingMemory> arriving,
                                                     StreamPtr fault_channel,
                                                     const wire::ContentSet& accepted,
                                                     OnFailure on_failure);
  ~FaultHandler();

  // Faults of guest threads that this handler read.
  std::uint64_t faults() const { return faults_.load(std::memory_order_relaxed); }
  // Those on pages that were not here. A page that several threads wait for counts once.
  std::uint64_t faults_over_network() const {
    return faults_over_network_.load(std::memory_order_relaxed);
  }
  // Answers that were discarded, because a page channel had brought the page.
  std::uint64_t duplicate_pages() const { return duplicates_.load(std::memory_order_relaxed); }
  // Of the faults over the network whose page has come, by an answer or by a page channel: from reading
  // the fault until the page is mapped and its threads are awake.
  const LatencyHistogram& latency() const { return arriving_->fault_latency(); }

  void close();

 private:
  FaultHandler(std::shared_ptr<ArrivingMemory> arriving, StreamPtr fault_channel,
               const wire::ContentSet& accepted, UniqueFd stop, OnFailure on_failure);
  void run() noexcept;
  Status serve();
  Status serve_faults();
  Status handle_fault(const FaultEvent& fault, WaitingFaults::Clock::time_point read_at);
  Status request(PageIndex page);
  Status serve_answers();
  Status install(const AnswerReader::Answer& answer);

  const std::shared_ptr<ArrivingMemory> arriving_;
  const StreamPtr stream_;
  UniqueFd stop_;
  const OnFailure on_failure_;
  std::atomic<bool> closing_{false};
  std::atomic<std::uint64_t> faults_{0};
  std::atomic<std::uint64_t> faults_over_network_{0};
  std::atomic<std::uint64_t> duplicates_{0};
  std::unordered_set<PageIndex> requested_;  // not answered yet; handler's thread only
  AnswerReader answers_;                     // handler's thread only
  std::optional<NativeThread> mapper_;
  std::optional<NativeThread> handler_;
};

}  // namespace pageferry
