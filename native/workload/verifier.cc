#include "workload/verifier.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "workload/page_content.h"
#include "workload/page_threads.h"

namespace pageferry {

namespace {

constexpr std::uint64_t kOperationsPerCheck = 1 << 16;

alignas(64) constexpr std::byte kZeroPage[kPageBytes] = {};

// How often each item of the working set was written.
using Versions = std::vector<std::uint64_t>;

Appendix appendix_of(const VerifyInput& input) {
  const PageRange range = input.layout.appendix_range();
  const std::byte* const start = range.count == 0 ? nullptr : input.memory.engine_page(range.first);
  return Appendix(start, input.layout.appendix_content(), input.layout.page_count());
}

Status replay_thread(const VerifyInput& input, std::uint32_t thread,
                     const std::atomic<bool>& cancelled, Versions& versions) {
  const Program program = input.layout.program(
      thread, input.layout.is_trace() ? appendix_of(input).trace() : TraceView());
  std::uint64_t* const own =
      versions.data() + input.layout.share(thread).first * input.layout.items_per_page();
  const std::uint64_t end = input.operations[thread];
  for (std::uint64_t operation = 0; operation < end;) {
    if (cancelled.load(std::memory_order_relaxed)) {
      return Status(StatusCode::kCancelled, "cancelled");
    }
    const std::uint64_t stop = operation + std::min(kOperationsPerCheck, end - operation);
    for (; operation < stop; ++operation) {
      const Program::Choice choice = program.choose(operation);
      if (choice.write) ++own[choice.item];
    }
  }
  return Status();
}

// Compares pages with the image, for a guest that goes through its snapshots. What the memory has beyond them repeats
// the first one.
class ImageComparer {
 public:
  explicit ImageComparer(const VerifyInput& input)
      : image_(input.snapshots->image()),
        first_(first_contents(image_)),
        now_(input.snapshots->contents_after(input.operations.front())) {}

  bool same(PageIndex page, const std::byte* bytes) const {
    const std::uint32_t content = page < now_.size() ? now_[page] : first_[page % first_.size()];
    std::array<std::byte, kPageBytes> expected;
    return image_.read_content(content, expected).ok() &&
           std::memcmp(bytes, expected.data(), kPageBytes) == 0;
  }

 private:
  const ImageFile& image_;
  const std::vector<std::uint32_t> first_;
  const std::vector<std::uint32_t> now_;
};

class PageComparer {
 public:
  PageComparer(const VerifyInput& input, const Versions& versions, const PageBitmap& populated)
      : input_(input), versions_(versions), populated_(populated), appendix_(appendix_of(input)) {
    if (input.snapshots != nullptr) image_.emplace(input);
  }

  bool same(PageIndex page) const {
    const bool populated = populated_.test(page);
    const std::byte* const bytes = populated ? input_.memory.engine_page(page) : kZeroPage;
    if (image_.has_value()) return image_->same(page, bytes);
    const GuestLayout& layout = input_.layout;
    if (page < layout.table_pages().count) return same_table_page(page, bytes);
    const std::uint64_t writes = page < layout.working_set_pages() ? versions_[page] : 0;
    if (!populated && writes == 0 && layout.config().fill == FillKind::kZero) return true;
    return page_matches(bytes, page, layout.slots(), initial_digest(page), writes);
  }

 private:
  bool same_table_page(PageIndex page, const std::byte* bytes) const {
    const KvTable& table = input_.layout.table();
    std::byte expected[kPageBytes];
    table.render(page,
                 std::span(versions_).subspan(page * table.keys_per_page(), table.keys_per_page()),
                 expected);
    return std::memcmp(bytes, expected, kPageBytes) == 0;
  }

  PageDigest initial_digest(PageIndex page) const {
    const WorkloadConfig& config = input_.layout.config();
    if (!fill_is_recomputable(config.fill)) {
      return appendix_.digest(page);
    }
    std::byte content[kPageBytes];
    render_page(config.fill, config.seed, page, content);
    return digest_page(content, page, input_.layout.slots());
  }

  const VerifyInput& input_;
  const Versions& versions_;
  const PageBitmap& populated_;
  const Appendix appendix_;
  std::optional<ImageComparer> image_;
};

}  // namespace

Result<VerifyResult> verify_guest(const VerifyInput& input, unsigned threads,
                                  const std::atomic<bool>& cancelled) {
  const PageRange appendix = input.layout.appendix_range();
  if (appendix.count > 0 && hash_appendix(input.memory.engine_page(appendix.first),
                                          appendix.count) != input.appendix_hash) {
    return VerifyResult{appendix.count, appendix.count, appendix.first, 0};
  }
  Versions versions(input.layout.working_set_pages() * input.layout.items_per_page());
  // Where a guest that goes through snapshots is, its number of operations says.
  const PageRange guest_threads{0, input.snapshots == nullptr ? input.operations.size() : 0};
  Status status = for_each_chunk(
      guest_threads, threads, cancelled,
      [&](PageRange chunk) {
        return replay_thread(input, static_cast<std::uint32_t>(chunk.first), cancelled, versions);
      },
      1);
  if (!status.ok()) return status;

  PageBitmap populated(input.memory.page_count());
  if (status = input.memory.find_populated(populated); !status.ok()) return status;
  const PageComparer comparer(input, versions, populated);
  std::atomic<std::uint64_t> different{0};
  std::atomic<PageIndex> first_different{input.memory.page_count()};
  const PageRange chosen{0, input.sample.count_of(appendix.first)};
  status = for_each_chunk(chosen, threads, cancelled, [&](PageRange chunk) {
    for (std::uint64_t i = chunk.first; i < chunk.end(); ++i) {
      const PageIndex page = input.sample.page(i, appendix.first);
      if (comparer.same(page)) continue;
      different.fetch_add(1);
      PageIndex first = first_different.load();
      while (page < first && !first_different.compare_exchange_weak(first, page)) {
      }
    }
    return Status();
  });
  if (!status.ok()) return status;
  return VerifyResult{chosen.count + appendix.count, different, first_different, 0};
}

}  // namespace pageferry
