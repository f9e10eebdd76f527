// What the bench's native programs share: options, time, pages in random order, and how they say what
// they found.
//
// A program prints one JSON object. What the machine lacks is no failure: it is `{"skipped": "why"}`
// in place of figures. Whatever else goes wrong ends the program with a sentence.
//
// Thread contract: check and fail from any thread; the rest from the main thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "os/status.h"
#include "region/guest_memory.h"

namespace pageferry::bench {

[[noreturn]] void fail(const std::string& what);
void check(const Status& status, const std::string& what);

// `--name VALUE` for each of these names. Fails on any other.
class Options {
 public:
  Options(int argc, char** argv, std::initializer_list<std::string_view> names);

  std::string text(const std::string& name, const std::string& fallback) const;
  // A whole number of at least `least`.
  std::uint64_t number(const std::string& name, std::uint64_t fallback,
                       std::uint64_t least = 1) const;
  // `--bytes`: a positive multiple of the page size.
  std::uint64_t bytes(std::uint64_t fallback) const;

 private:
  std::map<std::string, std::string> values_;
};

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point started) {
  return std::chrono::duration<double>(Clock::now() - started).count();
}

template <class Work>
double seconds(Work work) {
  const auto started = Clock::now();
  work();
  return seconds_since(started);
}

// At least one sample.
double median(std::vector<double> samples);
// The sample that this share (0 … 1) of the ascending samples does not exceed.
double percentile(const std::vector<double>& ascending, double share);

// `count` different pages of the first `page_count`, in an order that is the same in every run.
std::vector<PageIndex> scattered_pages(std::uint64_t page_count, std::uint64_t count);

// Runs work(i) on `threads` threads that begin together, and waits for all of them.
void on_threads(std::uint64_t threads, const std::function<void(std::uint64_t)>& work);

// The probe's reason why this machine lacks a capability; empty when it has it.
std::string why_lacking(std::string_view capability);

// {"skipped": "reason"}
std::string skipped(const std::string& reason);
// One member of an object: "name": 1.5
std::string member(const std::string& name, double value);

}  // namespace pageferry::bench
