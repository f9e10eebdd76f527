#include "workload/fill.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "workload/captured_fill.h"
#include "workload/page_content.h"
#include "workload/page_threads.h"

namespace pageferry {

namespace {

constexpr unsigned kFillThreads = 2;
const std::atomic<bool> kNeverCancelled{false};

// Fresh memory is all holes and stays so; memory that was used before is wiped.
Status fill_zero(const GuestMemory& memory, PageRange range) {
  PageBitmap populated(memory.page_count());
  if (Status status = memory.find_populated(populated); !status.ok()) return status;
  populated.for_each_run(range, [&](PageRange run) {
    for (PageIndex page = run.first; page < run.end(); ++page) {
      std::memset(memory.guest_page(page), 0, kPageBytes);
    }
  });
  return Status();
}

Status fill_rendered(const GuestMemory& memory, PageRange range, FillKind kind,
                     std::uint64_t seed) {
  return for_each_chunk(range, kFillThreads, kNeverCancelled, [&](PageRange chunk) {
    for (PageIndex page = chunk.first; page < chunk.end(); ++page) {
      render_page(kind, seed, page, memory.guest_page(page));
    }
    return Status();
  });
}

Status write_table(const GuestMemory& memory, const GuestLayout& layout) {
  const std::vector<std::uint64_t> versions(layout.table().keys_per_page(), 0);
  return for_each_chunk(layout.table_pages(), kFillThreads, kNeverCancelled, [&](PageRange chunk) {
    for (PageIndex page = chunk.first; page < chunk.end(); ++page) {
      layout.table().render(page, versions, memory.guest_page(page));
    }
    return Status();
  });
}

Status write_digests(const GuestMemory& memory, const GuestLayout& layout,
                     AppendixWriter& appendix) {
  return for_each_chunk(layout.filled_pages(), kFillThreads, kNeverCancelled, [&](PageRange chunk) {
    for (PageIndex page = chunk.first; page < chunk.end(); ++page) {
      appendix.set_digest(page, digest_page(memory.guest_page(page), page, layout.slots()));
    }
    return Status();
  });
}

// It answers the hash. Its pages follow each other in memory: they lie in one region.
Result<std::uint64_t> write_appendix(const GuestMemory& memory, const GuestLayout& layout,
                                     const Trace& trace) {
  const PageRange range = layout.appendix_range();
  if (range.count == 0) return std::uint64_t{0};
  const AppendixContent& content = layout.appendix_content();
  std::byte* const start = memory.guest_page(range.first);
  std::memset(start, 0, range.count * kPageBytes);
  AppendixWriter writer(start, content, layout.page_count());
  if (content.digests) {
    if (Status status = write_digests(memory, layout, writer); !status.ok()) return status;
  }
  writer.set_trace(trace);
  return hash_appendix(start, range.count);
}

Result<std::string> fill_pages(const GuestMemory& memory, PageRange range,
                               const WorkloadConfig& config, const ImageFile* image) {
  switch (config.fill) {
    case FillKind::kFile:
      return fill_from_file(memory, range, config.fill_path);
    case FillKind::kProcess:
      return fill_from_process(memory, range, config.fill_pid);
    case FillKind::kImage:
      return fill_from_image(memory, range, *image);
    case FillKind::kZero:
      if (Status status = fill_zero(memory, range); !status.ok()) return status;
      return std::string("untouched");
    case FillKind::kRandom:
    case FillKind::kText:
      break;
  }
  Status status = fill_rendered(memory, range, config.fill, config.seed);
  if (!status.ok()) return status;
  return std::string(config.fill == FillKind::kText ? "text" : "random words");
}

}  // namespace

Result<FillOutcome> fill(const GuestMemory& memory, const GuestLayout& layout, const Trace& trace,
                         const ImageFile* image) {
  Result<std::string> summary = fill_pages(memory, layout.filled_pages(), layout.config(), image);
  if (!summary.ok()) return summary.status();
  if (Status status = write_table(memory, layout); !status.ok()) return status;
  Result<std::uint64_t> appendix_hash = write_appendix(memory, layout, trace);
  if (!appendix_hash.ok()) return appendix_hash.status();
  return FillOutcome{appendix_hash.value(), std::move(summary.value())};
}

}  // namespace pageferry
