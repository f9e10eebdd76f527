// How many page writes one guest thread may do by now, when the guest's rate is limited.
//
// Writes are granted in small batches, so that a fast limit does not mean a system call per write.
// A thread that fell behind (a pause, a stall, a slow machine) catches up by at most 10 ms worth.
//
// Thread contract: owned by one guest thread. Times are given, never read.
#pragma once

#include <cstdint>

namespace pageferry {

class Pacer {
 public:
  // The thread gets an equal part of `writes_per_second`; 0: no limit.
  Pacer(std::uint64_t writes_per_second, std::uint32_t threads);

  // How long such a thread waits for its next write at most, when nothing holds it up; 0 without a limit.
  static std::uint64_t longest_wait_ns(std::uint64_t writes_per_second, std::uint32_t threads);

  // The writes newly granted at `now_ns`; the first call starts the clock.
  std::uint64_t grant(std::int64_t now_ns);
  // When to ask again, after grant(now_ns) gave 0.
  std::int64_t next_grant_ns(std::int64_t now_ns) const;

 private:
  std::uint64_t earned(std::int64_t now_ns) const;

  std::uint64_t writes_per_second_;
  std::uint64_t thread_seconds_;  // nanoseconds in which one thread earns writes_per_second_ writes
  std::uint64_t burst_;
  std::int64_t origin_ns_ = 0;
  bool started_ = false;
  std::uint64_t granted_ = 0;  // since origin_ns_, with those forgone
};

}  // namespace pageferry
