#include "send/dense_parts.h"

#include <algorithm>

#include "codec/zero_page.h"

namespace pageferry {

namespace {

constexpr std::uint64_t kSamples = 4;
// Populating less in one call takes longer than its faults would (region/populator.cc).
constexpr std::uint64_t kLeastPages = 4 * kHugePagePages;

// Looks at a few pages, at places that differ from one huge page to the next.
bool seems_to_have_content(const GuestMemory& memory, PageIndex first) {
  std::uint64_t with_content = 0;
  for (std::uint64_t i = 0; i < kSamples; ++i) {
    const PageIndex page = first + (first / kHugePagePages * 37 + i * 151) % kHugePagePages;
    if (!is_zero_page({memory.page_to_read(page), kPageBytes})) ++with_content;
  }
  return with_content * 2 >= kSamples;
}

// Collects runs of huge pages that follow one another.
class Parts {
 public:
  void add(PageIndex huge_page) {
    if (parts_.empty() || parts_.back().end() != huge_page) {
      parts_.push_back({huge_page, kHugePagePages});
    } else {
      parts_.back().count += kHugePagePages;
    }
  }

  std::vector<PageRange> longest(std::size_t most) && {
    std::erase_if(parts_, [](PageRange part) { return part.count < kLeastPages; });
    if (parts_.size() > most) {
      const auto longer = [](PageRange a, PageRange b) { return a.count > b.count; };
      std::ranges::nth_element(parts_, parts_.begin() + static_cast<std::ptrdiff_t>(most), longer);
      parts_.resize(most);
      std::ranges::sort(parts_, {}, &PageRange::first);
    }
    return std::move(parts_);
  }

 private:
  std::vector<PageRange> parts_;
};

}  // namespace

Result<std::vector<PageRange>> find_dense_parts(const GuestMemory& memory, std::size_t most) {
  Parts parts;
  Status status;
  for (const Region& region : memory.regions()) {
    PageRange populated = {region.first_page, 0};
    PageIndex next = region.first_page;  // the huge page to be looked at
    const auto visit = [&](PageRange run) {
      // A run may come in pieces.
      if (run.first != populated.end()) populated = {run.first, 0};
      populated.count = run.end() - populated.first;
      if (next < populated.first) {
        const std::uint64_t offset = populated.first - region.first_page;
        next = region.first_page + (offset + kHugePagePages - 1) / kHugePagePages * kHugePagePages;
      }
      for (; next + kHugePagePages <= populated.end(); next += kHugePagePages) {
        if (seems_to_have_content(memory, next)) parts.add(next);
      }
    };
    status = memory.for_each_populated_run(region.pages(), visit);
    if (!status.ok()) return status;
  }
  return std::move(parts).longest(most);
}

}  // namespace pageferry
