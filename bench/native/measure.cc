#include "measure.h"

#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <random>
#include <thread>

#include "tracker/tracker_probe.h"

namespace pageferry::bench {

namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') out += '\\';
    out += letter;
  }
  return out + '"';
}

}  // namespace

void fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  // Not exit(): other threads may be using what its handlers destroy.
  ::_exit(1);
}

void check(const Status& status, const std::string& what) {
  if (!status.ok()) fail(what + ": " + status.message());
}

Options::Options(int argc, char** argv, std::initializer_list<std::string_view> names) {
  std::string known;
  for (const std::string_view name : names) known.append(" --").append(name);
  for (int i = 1; i < argc; i += 2) {
    const std::string_view word = argv[i];
    const std::string_view name = word.starts_with("--") ? word.substr(2) : "";
    if (std::ranges::find(names, name) == names.end()) {
      fail("no option is called '" + std::string(word) + "'; there are" + known);
    }
    if (i + 1 == argc) fail(std::string(word) + " needs a value");
    values_[std::string(name)] = argv[i + 1];
  }
}

std::string Options::text(const std::string& name, const std::string& fallback) const {
  const auto found = values_.find(name);
  return found == values_.end() ? fallback : found->second;
}

std::uint64_t Options::number(const std::string& name, std::uint64_t fallback,
                              std::uint64_t least) const {
  const std::string given = text(name, std::to_string(fallback));
  std::uint64_t value = 0;
  const char* const end = given.data() + given.size();
  const auto parsed = std::from_chars(given.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end || value < least) {
    fail("--" + name + " must be a whole number of at least " + std::to_string(least) + ", not '" +
         given + "'");
  }
  return value;
}

std::uint64_t Options::bytes(std::uint64_t fallback) const {
  const std::uint64_t value = number("bytes", fallback);
  if (value % kPageBytes != 0) fail("--bytes must be a multiple of " + std::to_string(kPageBytes));
  return value;
}

double median(std::vector<double> samples) {
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::ranges::nth_element(samples, middle);
  return *middle;
}

double percentile(const std::vector<double>& ascending, double share) {
  const auto rank = std::ceil(share * static_cast<double>(ascending.size()));
  return ascending[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

std::vector<PageIndex> scattered_pages(std::uint64_t page_count, std::uint64_t count) {
  if (count > page_count) {
    fail("there are " + std::to_string(page_count) + " pages, fewer than the " +
         std::to_string(count) + " to touch");
  }
  std::vector<PageIndex> pages(page_count);
  std::iota(pages.begin(), pages.end(), PageIndex{0});
  std::ranges::shuffle(pages, std::mt19937_64(1));
  pages.resize(count);
  return pages;
}

void on_threads(std::uint64_t threads, const std::function<void(std::uint64_t)>& work) {
  std::barrier begin(static_cast<std::ptrdiff_t>(threads));
  std::vector<std::jthread> running;
  for (std::uint64_t i = 0; i < threads; ++i) {
    running.emplace_back([&, i] {
      begin.arrive_and_wait();
      work(i);
    });
  }
}

std::string why_lacking(std::string_view capability) {
  for (const Capability& one : probe_trackers(Backing::kShared).capabilities) {
    if (one.name != capability) continue;
    if (one.available) return "";
    return one.remedy.empty() ? one.reason : one.reason + "; " + one.remedy;
  }
  fail("the probe knows nothing called '" + std::string(capability) + "'");
}

std::string skipped(const std::string& reason) { return "{\"skipped\": " + quoted(reason) + "}"; }

std::string member(const std::string& name, double value) {
  char figure[64];
  std::snprintf(figure, sizeof(figure), "%.6g", value);
  return quoted(name) + ": " + figure;
}

}  // namespace pageferry::bench
