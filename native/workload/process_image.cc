#include "workload/process_image.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <string_view>

#include "codec/zero_page.h"
#include "workload/page_digest.h"
#include "workload/rng.h"
#include "workload/run_control.h"

namespace pageferry {

namespace {

constexpr std::uint64_t kPagesPerRead = 256;
constexpr std::uint64_t kPagesPerStep = 4096;

std::uint64_t digest_of(const std::byte* page) {
  return hash_words(page, kPageBytes, kGoldenGamma);
}

ImageMapping record_of(const ProcessMapping& mapping) {
  ImageMapping record;
  record.start = mapping.range.start;
  record.bytes = mapping.range.bytes;
  record.flags = (mapping.readable ? kMappingReadable : 0) |
                 (mapping.writable ? kMappingWritable : 0) | (mapping.shared ? kMappingShared : 0);
  record.left_out = left_out(mapping);
  return record;
}

}  // namespace

LeftOut left_out(const ProcessMapping& mapping) {
  const std::string_view name = mapping.name;
  if (!mapping.readable) return LeftOut::kNotReadable;
  // [vdso] is a program's code like any other; what these hold is the kernel's, and it lets nobody read it so.
  if (name.starts_with("[vvar") || name == "[vsyscall]") return LeftOut::kKernel;
  const bool is_memory = name.starts_with("/dev/shm/") || name.starts_with("/dev/zero");
  return name.starts_with("/dev/") && !is_memory ? LeftOut::kDevice : LeftOut::kNo;
}

Result<std::unique_ptr<ProcessImage>> ProcessImage::start(int pid, const std::string& path,
                                                          bool stop) {
  Result<ProcessMappings> mappings = ProcessMappings::open(pid);
  if (!mappings.ok()) return mappings.status();
  Result<Pagemap> pagemap = Pagemap::open_process(pid);
  if (!pagemap.ok()) return process_error(pid, pagemap.status().system_error());
  Result<std::unique_ptr<ImageWriter>> writer = ImageWriter::create(path, stop);
  if (!writer.ok()) return writer.status();
  return std::unique_ptr<ProcessImage>(new ProcessImage(pid, stop, std::move(mappings.value()),
                                                        std::move(pagemap.value()),
                                                        std::move(writer.value())));
}

ProcessImage::ProcessImage(int pid, bool stop, ProcessMappings mappings, Pagemap pagemap,
                           std::unique_ptr<ImageWriter> writer)
    : pid_(pid),
      stop_(stop),
      mappings_(std::move(mappings)),
      pagemap_(std::move(pagemap)),
      writer_(std::move(writer)),
      buffer_(kPagesPerRead * kPageBytes) {}

Status ProcessImage::begin_snapshot() {
  if (stop_) {
    Result<StoppedProcess> stopped = StoppedProcess::stop(pid_);
    if (!stopped.ok()) return mappings_.explain(stopped.status());
    stopped_.emplace(std::move(stopped.value()));
  }
  begun_ns_ = monotonic_ns();
  if (is_first()) first_ns_ = begun_ns_;
  writer_->begin_snapshot(static_cast<std::uint64_t>(begun_ns_ - first_ns_ - stood_still_ns_));
  progress_.pages = 0;
  progress_.complete = false;
  Status status = find_resident();
  if (!status.ok()) drop_snapshot();
  return status;
}

Status ProcessImage::find_resident() {
  Result<std::vector<ProcessMapping>> mappings = mappings_.read();
  if (!mappings.ok()) return mappings_.explain(mappings.status());
  if (mappings.value().empty()) return mappings_.explain(process_error(pid_, ESRCH));
  resident_.clear();
  progress_.of = 0;
  for (const ProcessMapping& mapping : mappings.value()) {
    ImageMapping record = record_of(mapping);
    if (record.left_out == LeftOut::kNo) {
      Status status = pagemap_.scan_populated(mapping.range, [&](AddressRange populated) {
        resident_.push_back(populated);
        record.pages += populated.bytes / kPageBytes;
      });
      if (!status.ok()) {
        return mappings_.explain(process_error(pid_, status.system_error()));
      }
    }
    progress_.of += record.pages;
    if (is_first()) layout_.push_back({record, mapping.name});
  }
  next_range_ = 0;
  next_offset_ = 0;
  return Status();
}

Result<ProcessImage::Progress> ProcessImage::step() {
  std::uint64_t left = kPagesPerStep;
  while (left > 0 && next_range_ < resident_.size()) {
    const AddressRange& range = resident_[next_range_];
    const std::uint64_t pages =
        std::min({(range.bytes - next_offset_) / kPageBytes, kPagesPerRead, left});
    if (Status status = read_block(range.start + next_offset_, pages); !status.ok()) return status;
    left -= pages;
    progress_.pages += pages;
    next_offset_ += pages * kPageBytes;
    if (next_offset_ < range.bytes) continue;
    ++next_range_;
    next_offset_ = 0;
  }
  progress_.complete = next_range_ == resident_.size();
  if (progress_.complete) {
    if (Status status = end_snapshot(); !status.ok()) return status;
  }
  progress_.stored_bytes = writer_->contents() * kPageBytes;
  return progress_;
}

Status ProcessImage::read_block(std::uint64_t address, std::uint64_t pages) {
  for (std::uint64_t done = 0; done < pages;) {
    Result<std::uint64_t> got = read_process(pid_, address + done * kPageBytes,
                                             std::span(buffer_).first((pages - done) * kPageBytes));
    if (!got.ok()) return mappings_.explain(got.status());
    const std::uint64_t whole = got.value() / kPageBytes;
    for (std::uint64_t i = 0; i < whole; ++i) {
      Status status = take(address + (done + i) * kPageBytes, buffer_.data() + i * kPageBytes);
      if (!status.ok()) return status;
    }
    done += whole;
    // A short read stopped at a page that vanished, or that nobody may read: leave that one out.
    if (done == pages) break;
    ++done;
    if (is_first()) ++unreadable_;
  }
  return Status();
}

Status ProcessImage::take(std::uint64_t address, const std::byte* content) {
  const std::uint64_t digest = digest_of(content);
  const bool is_zero = is_zero_page(std::span(content, kPageBytes));
  const SeenPages::Page page = seen_.at(address);
  const bool is_same = !page.is_new && page.digest == digest;
  page.digest = digest;
  if (page.is_new) {
    if (addresses_.size() == kMaxImagePages) {
      return Status(StatusCode::kUnsupported, "the process has more memory than an image can hold");
    }
    addresses_.push_back(address);
  }
  // A page is zero in the image before it is first seen.
  if (is_same || (page.is_new && is_zero)) return Status();
  if (is_zero) return writer_->add_zero(page.index);
  return writer_->add_content(page.index,
                              std::span<const std::byte, kPageBytes>(content, kPageBytes));
}

// A program that the process has become meanwhile would have been read in the place of the one before.
Status ProcessImage::end_snapshot() {
  if (addresses_.empty()) {
    return Status(
        StatusCode::kInvalidArgument,
        "process " + std::to_string(pid_) + " has no readable resident memory (a kernel thread?)");
  }
  Result<std::vector<ProcessMapping>> mappings = mappings_.read();
  if (!mappings.ok() || mappings.value().empty()) {
    return mappings_.explain(process_error(pid_, ESRCH));
  }
  stopped_.reset();
  const std::int64_t duration_ns = monotonic_ns() - begun_ns_;
  if (stop_) stood_still_ns_ += duration_ns;
  pages_ = addresses_.size();
  return writer_->end_snapshot(static_cast<std::uint64_t>(duration_ns));
}

void ProcessImage::drop_snapshot() {
  stopped_.reset();
  writer_->drop_snapshot();
}

Result<ProcessImage::Summary> ProcessImage::finish(ImageEnd end) {
  const auto addresses = std::span(addresses_).first(pages_);
  Result<std::uint64_t> bytes = writer_->finish({addresses, layout_}, end);
  if (!bytes.ok()) return bytes.status();
  return Summary{bytes.value(), pages_, unreadable_, writer_->snapshots(), std::move(layout_)};
}

}  // namespace pageferry
