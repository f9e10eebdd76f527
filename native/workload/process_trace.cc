#include "workload/process_trace.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include "workload/page_digest.h"
#include "workload/rng.h"

namespace pageferry {

namespace {

constexpr std::uint64_t kPagesPerRead = 256;
constexpr std::uint32_t kMostPages = std::uint32_t{1} << 28;  // docs/trace-format.md

std::uint64_t digest_of(const std::byte* page) {
  return hash_words(page, kPageBytes, kGoldenGamma);
}

// Of a page that nobody wrote yet: the kernel may have populated it beside another one.
std::uint64_t zero_digest() {
  alignas(8) static constexpr std::array<std::byte, kPageBytes> kZeroPage{};
  static const std::uint64_t digest = digest_of(kZeroPage.data());
  return digest;
}

void append(std::vector<PageRange>& runs, PageIndex page) {
  if (!runs.empty() && runs.back().end() == page) {
    ++runs.back().count;
  } else {
    runs.push_back({page, 1});
  }
}

}  // namespace

bool is_traced(const ProcessMapping& mapping) {
  if (!mapping.readable || !mapping.writable) return false;
  const std::string_view name = mapping.name;
  if (name.empty() || name == "[heap]" || name.starts_with("[stack") || name.starts_with("[anon")) {
    return true;
  }
  constexpr std::array<std::string_view, 4> kSharedMemory = {"/dev/zero", "/dev/shm/",
                                                             "/memfd:", "/SYSV"};
  return std::any_of(kSharedMemory.begin(), kSharedMemory.end(),
                     [&](std::string_view start) { return name.starts_with(start); });
}

Result<std::unique_ptr<ProcessTrace>> ProcessTrace::start(int pid) {
  const bool offered = Pagemap::soft_dirty_is_offered();
  return start(pid, offered ? TraceMethod::kSoftDirty : TraceMethod::kDigest);
}

Result<std::unique_ptr<ProcessTrace>> ProcessTrace::start(int pid, TraceMethod method) {
  Result<ProcessMappings> mappings = ProcessMappings::open(pid);
  if (!mappings.ok()) return mappings.status();
  Result<Pagemap> pagemap = Pagemap::open_process(pid);
  if (!pagemap.ok()) return process_error(pid, pagemap.status().system_error());
  std::unique_ptr<ProcessTrace> trace(
      new ProcessTrace(pid, method, std::move(mappings.value()), std::move(pagemap.value())));
  Result<Look> look = trace->look();
  if (!look.ok()) return look.status();
  if (look.value().page_count == 0) {
    return Status(StatusCode::kInvalidArgument,
                  "process " + std::to_string(pid) +
                      " has no memory of its own that could be recorded (a kernel thread?)");
  }
  return trace;
}

ProcessTrace::ProcessTrace(int pid, TraceMethod method, ProcessMappings mappings, Pagemap pagemap)
    : pid_(pid),
      method_(method),
      mappings_(std::move(mappings)),
      pagemap_(std::move(pagemap)),
      buffer_(kPagesPerRead * kPageBytes) {}

Result<ProcessTrace::Look> ProcessTrace::look() {
  Result<std::vector<ProcessMapping>> mappings = mappings_.read();
  if (!mappings.ok()) return mappings.status();
  if (mappings.value().empty() && !first_look_) return explain(process_error(pid_, ESRCH));
  Look look{{}, 0};
  for (const ProcessMapping& mapping : mappings.value()) {
    if (!is_traced(mapping)) continue;
    if (Status status = look_at(mapping, look); !status.ok()) return explain(status);
  }
  if (method_ == TraceMethod::kSoftDirty) {
    if (Status status = Pagemap::clear_soft_dirty(pid_); !status.ok()) {
      return explain(process_error(pid_, status.system_error()));
    }
  }
  if (seen_.count() > kMostPages) {
    return Status(StatusCode::kUnsupported, "the process has more than 1 TiB of memory");
  }
  if (first_look_) look.written.clear();
  first_look_ = false;
  look.page_count = seen_.count();
  return look;
}

// Once the recording has begun, a failure of any kind may mean that the process has ended.
Status ProcessTrace::explain(const Status& status) const {
  return first_look_ ? status : mappings_.explain(status);
}

Status ProcessTrace::look_at(const ProcessMapping& mapping, Look& look) {
  Status visited;
  Status scanned = pagemap_.scan_populated(mapping.range, [&](AddressRange populated) {
    if (!visited.ok()) return;
    visited = method_ == TraceMethod::kSoftDirty ? read_bits(populated, look)
                                                 : compare(populated, mapping.shared, look);
  });
  return scanned.ok() ? visited : scanned;
}

Status ProcessTrace::read_bits(AddressRange populated, Look& look) {
  // Those that are clean get an index, too: they are memory of the process.
  for (std::uint64_t done = 0; done < populated.bytes; done += kPageBytes) {
    seen_.at(populated.start + done);
  }
  return pagemap_.scan_soft_dirty(populated, [&](AddressRange run) {
    for (std::uint64_t done = 0; done < run.bytes; done += kPageBytes) {
      append(look.written, seen_.at(run.start + done).index);
    }
  });
}

Status ProcessTrace::compare(AddressRange populated, bool shared, Look& look) {
  const std::uint64_t pages = populated.bytes / kPageBytes;
  for (std::uint64_t done = 0; done < pages; done += kPagesPerRead) {
    const std::uint64_t count = std::min(kPagesPerRead, pages - done);
    if (Status status = compare_block(populated.start + done * kPageBytes, count, shared, look);
        !status.ok()) {
      return status;
    }
  }
  return Status();
}

Status ProcessTrace::compare_block(std::uint64_t address, std::uint64_t pages, bool shared,
                                   Look& look) {
  for (std::uint64_t done = 0; done < pages;) {
    Result<std::uint64_t> got = read_process(pid_, address + done * kPageBytes,
                                             std::span(buffer_).first((pages - done) * kPageBytes));
    if (!got.ok()) return got.status();
    const std::uint64_t whole = got.value() / kPageBytes;
    for (std::uint64_t i = 0; i < whole; ++i) {
      const std::uint64_t digest = digest_of(buffer_.data() + i * kPageBytes);
      const SeenPages::Page page = seen_.at(address + (done + i) * kPageBytes);
      // What is new in private memory was zero before. In shared memory the process may only have come to
      // read what others wrote.
      const std::uint64_t first = shared ? digest : zero_digest();
      const std::uint64_t before = page.is_new ? first : page.digest;
      page.digest = digest;
      if (digest != before) append(look.written, page.index);
    }
    // A short read stopped at a page that vanished, or that nobody may read: leave that one out.
    done += whole + (done + whole < pages ? 1 : 0);
  }
  return Status();
}

}  // namespace pageferry
