// The one implementation of Workload: guest threads, their layout, and what verification needs.
//
// Thread contract: as workload.h says.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "os/native_thread.h"
#include "workload/gap_watch.h"
#include "workload/guest_layout.h"
#include "workload/guest_thread.h"
#include "workload/run_control.h"
#include "workload/workload.h"

namespace pageferry {

class BuiltinWorkload final : public Workload {
 public:
  // What the guest's content follows from, besides its description.
  struct Basis {
    std::uint64_t appendix_hash = 0;             // 0 without one
    std::shared_ptr<const Snapshots> snapshots;  // of a guest that goes through them
  };

  // Paused, its guest threads parked. Fails when the system has no thread left.
  static Result<std::unique_ptr<Workload>> make(std::shared_ptr<GuestMemory> memory,
                                                const GuestLayout& layout, const Basis& basis,
                                                std::string fill_summary);
  // Waits for guest threads inside a demand fault: whoever serves those must have ended them
  // before.
  ~BuiltinWorkload() override;
  BuiltinWorkload(const BuiltinWorkload&) = delete;
  BuiltinWorkload& operator=(const BuiltinWorkload&) = delete;

  std::vector<std::uint8_t> description() const override;
  const WorkloadConfig& config() const override { return layout_.config(); }
  const std::string& fill_summary() const override { return fill_summary_; }

  void resume() override;
  std::int64_t resumed_at_ns() const override { return resumed_ns_; }
  void pause() override;
  bool pause_within(std::chrono::nanoseconds patience) override;

  Result<std::vector<std::uint8_t>> save_state() const override;
  Status load_state(const std::vector<std::uint8_t>& state) override;

  WorkloadProgress progress() const override;

  void start_gap_watch() override;
  std::uint64_t longest_gap_ns() const override;
  std::uint64_t gap_resolution_ns() const override;
  GapRecorder::AroundArrival gaps_around_arrival() const override;
  void set_time_away(std::uint64_t nanoseconds) override;

  Result<VerifyResult> verify(unsigned threads, const PageSample& sample,
                              const std::atomic<bool>& cancelled) override;

 private:
  BuiltinWorkload(std::shared_ptr<GuestMemory> memory, const GuestLayout& layout,
                  const Basis& basis, std::string fill_summary);
  Status start_threads();

  const std::shared_ptr<GuestMemory> memory_;
  const GuestLayout layout_;
  const Basis basis_;
  const std::string fill_summary_;
  GapWatch gap_watch_;
  RunControl control_;
  void note_paused();

  bool paused_ = true;
  bool started_ = false;  // resumed at least once, here
  std::int64_t paused_ns_ = 0;
  std::int64_t resumed_ns_ = 0;
  std::vector<std::unique_ptr<GuestThread>> guests_;
  std::vector<NativeThread> threads_;  // last, so that it is joined first
};

}  // namespace pageferry
