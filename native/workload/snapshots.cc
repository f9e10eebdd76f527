#include "workload/snapshots.h"

#include <algorithm>
#include <array>
#include <span>

#include "workload/guest_words.h"

namespace pageferry {

static_assert(sizeof(TraceInterval) == TraceView::kIntervalBytes,
              "a TraceView reads the intervals where they lie");

std::vector<std::uint32_t> first_contents(const ImageFile& image) {
  std::vector<std::uint32_t> contents(image.pages(), ImageFile::kNoContent);
  for (const ImageFile::Entry& entry :
       std::span(image.entries()).first(image.snapshots().front().entries)) {
    contents[entry.page] = entry.content;
  }
  return contents;
}

Result<std::shared_ptr<const Snapshots>> Snapshots::create(std::shared_ptr<const ImageFile> image) {
  std::shared_ptr<const Snapshots> snapshots(new Snapshots(std::move(image)));
  if (!snapshots->steps_.empty()) return snapshots;
  return Status(StatusCode::kInvalidArgument,
                "the image has no later snapshot in which a page has changed: capture it with "
                "--snapshots");
}

Snapshots::Snapshots(std::shared_ptr<const ImageFile> image) : image_(std::move(image)) {
  std::vector<std::uint32_t> contents = first_contents(*image_);
  const std::uint64_t first = image_->snapshots().front().entries;
  for (const ImageFile::Entry& entry : std::span(image_->entries()).subspan(first)) {
    steps_.push_back({entry.page, contents[entry.page], entry.content});
    contents[entry.page] = entry.content;
  }
  TraceInterval end;
  for (const ImageSnapshot& snapshot : std::span(image_->snapshots()).subspan(1)) {
    end = {snapshot.time_ns, end.end_write + snapshot.entries};
    intervals_.push_back(end);
  }
  for (std::size_t forth = intervals_.size(); forth-- > 0;) {
    const TraceInterval begin = forth == 0 ? TraceInterval{} : intervals_[forth - 1];
    intervals_.push_back({2 * end.end_ns - begin.end_ns, 2 * end.end_write - begin.end_write});
  }
}

Snapshots::Step Snapshots::step(std::uint64_t operation) const {
  const std::uint64_t at = operation % (2 * steps_.size());
  if (at < steps_.size()) return steps_[at];
  const Step& forth = steps_[2 * steps_.size() - 1 - at];
  return {forth.page, forth.after, forth.before};
}

std::uint64_t Snapshots::longest_wait_ns() const {
  std::uint64_t longest = 0;
  std::uint64_t last_due_ns = 0;
  TraceInterval before;
  for (const TraceInterval& interval : intervals_) {
    const std::uint64_t writes = interval.end_write - before.end_write;
    if (writes > 0) {
      const std::uint64_t between_ns = (interval.end_ns - before.end_ns) / writes;
      longest = std::max({longest, before.end_ns - last_due_ns, between_ns});
      last_due_ns = interval.end_ns - between_ns;
    }
    before = interval;
  }
  return std::max(longest, before.end_ns - last_due_ns);
}

// Outside of TSan's sight for the reason given in guest_words.h.
[[gnu::no_sanitize_thread]] bool Snapshots::apply(const Step& step, std::byte* page_bytes) const {
  alignas(kWordBytes) std::array<std::byte, kPageBytes> before;
  alignas(kWordBytes) std::array<std::byte, kPageBytes> after;
  if (!image_->read_content(step.before, before).ok()) return false;
  if (!image_->read_content(step.after, after).ok()) return false;
  bool as_expected = true;
  for (std::size_t at = 0; at < kPageBytes; at += kWordBytes) {
    const std::uint64_t old_word = load_word(before.data() + at);
    const std::uint64_t new_word = load_word(after.data() + at);
    if (load_guest_word(page_bytes + at) != old_word) as_expected = false;
    if (old_word != new_word) store_guest_word(page_bytes + at, new_word);
  }
  return as_expected;
}

std::vector<std::uint32_t> Snapshots::contents_after(std::uint64_t operations) const {
  const std::uint64_t at = operations % (2 * steps_.size());
  const std::uint64_t forth = std::min(at, 2 * steps_.size() - at);
  std::vector<std::uint32_t> contents = first_contents(*image_);
  for (const Step& step : std::span(steps_).first(forth)) contents[step.page] = step.after;
  return contents;
}

}  // namespace pageferry
