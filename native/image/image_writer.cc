#include "image/image_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <utility>

namespace pageferry {

namespace {

constexpr mode_t kOwnerAlone = S_IRUSR | S_IWUSR;
constexpr std::size_t kBufferBytes = 1 << 20;
constexpr std::size_t kMostNameBytes = 4096;

std::uint64_t now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

// `.NAME.PID` in the same folder, so that the rename stays within one file system.
std::string beside(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::size_t name = slash == std::string::npos ? 0 : slash + 1;
  return path.substr(0, name) + "." + path.substr(name) + "." + std::to_string(::getpid());
}

Status write_at(int fd, std::span<const std::byte> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Status::from_errno("writing the image");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return Status();
}

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

std::string_view cut_name(const ImageWriter::Mapping& mapping) {
  return std::string_view(mapping.name).substr(0, kMostNameBytes);
}

}  // namespace

Result<std::unique_ptr<ImageWriter>> ImageWriter::create(const std::string& path, bool stopped) {
  std::string temporary = beside(path);
  UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                     kOwnerAlone));
  if (!fd) return Status::from_errno("creating " + temporary);
  return std::unique_ptr<ImageWriter>(
      new ImageWriter(std::move(fd), path, std::move(temporary), stopped));
}

ImageWriter::ImageWriter(UniqueFd fd, std::string path, std::string temporary, bool stopped)
    : fd_(std::move(fd)),
      path_(std::move(path)),
      temporary_(std::move(temporary)),
      stopped_(stopped),
      started_ms_(now_ms()),
      offset_(content_offset(0)) {
  buffer_.reserve(kBufferBytes);
}

ImageWriter::~ImageWriter() {
  if (!finished_) ::unlink(temporary_.c_str());
}

void ImageWriter::begin_snapshot(std::uint64_t time_ns) {
  current_ = {.time_ns = time_ns};
  checksum_ = {};
}

Status ImageWriter::fail_if_full() const {
  if (entries_.size() < kMaxImageEntries && snapshots_.size() < kMaxImageSnapshots) return Status();
  return Status(StatusCode::kUnsupported,
                "the image has reached a limit of its format (docs/image-format.md)");
}

Status ImageWriter::add_content(std::uint32_t page,
                                std::span<const std::byte, kPageBytes> content) {
  if (Status status = fail_if_full(); !status.ok()) return status;
  checksum_.add(content);
  entries_.push_back(page);
  ++current_.entries;
  ++current_.contents;
  return append(content);
}

Status ImageWriter::add_zero(std::uint32_t page) {
  if (Status status = fail_if_full(); !status.ok()) return status;
  entries_.push_back(page | kEntryIsZero);
  ++current_.entries;
  return Status();
}

Status ImageWriter::end_snapshot(std::uint64_t duration_ns) {
  if (Status status = fail_if_full(); !status.ok()) return status;
  if (Status status = flush(); !status.ok()) return status;
  current_.duration_ns = duration_ns;
  current_.checksum = checksum_.value();
  contents_ += current_.contents;
  snapshots_.push_back(std::exchange(current_, {}));
  return Status();
}

void ImageWriter::drop_snapshot() {
  entries_.resize(entries_.size() - current_.entries);
  current_ = {};
  buffer_.clear();
  offset_ = content_offset(contents_);
}

Status ImageWriter::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t now = std::min(bytes.size(), kBufferBytes - buffer_.size());
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(now));
    bytes = bytes.subspan(now);
    if (buffer_.size() < kBufferBytes) continue;
    if (Status status = flush(); !status.ok()) return status;
  }
  return Status();
}

Status ImageWriter::flush() {
  Status status = write_at(fd_.get(), buffer_, offset_);
  offset_ += buffer_.size();
  buffer_.clear();
  return status;
}

Status ImageWriter::write_tables(const Layout& layout, const ImageHeader& header,
                                 ImageChecksum& checksum) {
  const auto put = [&](std::span<const std::byte> bytes) {
    checksum.add(bytes);
    return append(bytes);
  };
  checksum.add(bytes_of(header));
  Status status = put(std::as_bytes(std::span(snapshots_)));
  for (const Mapping& mapping : layout.mappings) {
    ImageMapping record = mapping.record;
    record.name_bytes = static_cast<std::uint32_t>(cut_name(mapping).size());
    if (status.ok()) status = put(bytes_of(record));
  }
  if (status.ok()) status = put(std::as_bytes(layout.addresses));
  entries_.resize(in_words(entries_.size() * sizeof(std::uint32_t)) / sizeof(std::uint32_t));
  if (status.ok()) status = put(std::as_bytes(std::span(entries_)));
  std::string names;
  for (const Mapping& mapping : layout.mappings) names += cut_name(mapping);
  names.resize(in_words(names.size()));
  if (status.ok()) status = put(std::as_bytes(std::span(names)));
  return status.ok() ? flush() : status;
}

Result<std::uint64_t> ImageWriter::finish(const Layout& layout, ImageEnd end) {
  ImageHeader header;
  header.pages = layout.addresses.size();
  header.contents = contents_;
  header.entries = entries_.size();
  header.snapshots = static_cast<std::uint32_t>(snapshots_.size());
  header.mappings = static_cast<std::uint32_t>(layout.mappings.size());
  for (const Mapping& mapping : layout.mappings) header.name_bytes += cut_name(mapping).size();
  header.started_ms = started_ms_;
  header.stopped = stopped_ ? 1 : 0;
  header.end = end;
  if (header.pages > kMaxImagePages || layout.mappings.size() > kMaxImageMappings ||
      header.name_bytes > kMaxImageNameBytes) {
    return Status(StatusCode::kUnsupported,
                  "the process has more memory or mappings than an image can hold "
                  "(docs/image-format.md)");
  }
  ImageChecksum checksum;
  if (Status status = write_tables(layout, header, checksum); !status.ok()) return status;
  header.id = checksum.value();
  std::array<std::byte, kPageBytes> first_page = {};
  std::memcpy(first_page.data(), &header, sizeof header);
  if (Status status = write_at(fd_.get(), first_page, 0); !status.ok()) return status;
  // What a snapshot that was dropped has left behind the tables.
  if (::ftruncate(fd_.get(), static_cast<off_t>(offset_)) != 0) {
    return Status::from_errno("writing the image");
  }
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    return Status::from_errno("renaming the image to " + path_);
  }
  finished_ = true;
  return offset_;
}

}  // namespace pageferry
