#include "image/image_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "image/image_checksum.h"

namespace pageferry {

namespace {

constexpr std::size_t kPieceBytes = 256 * kPageBytes;

bool is_zero(const auto& bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

Result<std::shared_ptr<const ImageFile>> ImageFile::open(const std::string& path) {
  // Non-blocking, so that opening a FIFO does not wait for a writer; it is refused below.
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return Status::from_errno("opening the image " + path);
  struct stat info = {};
  if (::fstat(fd.get(), &info) != 0) return Status::from_errno("fstat of the image " + path);
  std::shared_ptr<ImageFile> image(new ImageFile(std::move(fd), path));
  if (!S_ISREG(info.st_mode)) return image->broken("it is not a regular file");
  Status status = image->load_header(static_cast<std::uint64_t>(info.st_size));
  if (status.ok()) status = image->load_tables();
  if (status.ok()) status = image->check_snapshots();
  if (!status.ok()) return status;
  return std::shared_ptr<const ImageFile>(std::move(image));
}

Status ImageFile::broken(const std::string& what) const {
  return Status(StatusCode::kInvalidArgument, "the image " + path_ + " cannot be used: " + what);
}

Status ImageFile::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t got = ::pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Status::from_errno("reading the image " + path_);
    if (got == 0) return broken("it was cut short while it was read");
    out = out.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return Status();
}

Status ImageFile::load_header(std::uint64_t file_bytes) {
  if (file_bytes < kPageBytes) return broken("it is no image, which `pageferry capture` writes");
  std::array<std::byte, kPageBytes> first_page;
  if (Status status = read_at(0, first_page); !status.ok()) return status;
  std::memcpy(&header_, first_page.data(), sizeof header_);
  if (header_.magic != kImageMagic) {
    return broken("it is no image, which `pageferry capture` writes");
  }
  if (header_.version != kImageVersion) {
    return broken("it has version " + std::to_string(header_.version) +
                  ", and this release reads version " + std::to_string(kImageVersion));
  }
  const bool rest_is_zero = std::all_of(first_page.begin() + sizeof header_, first_page.end(),
                                        [](std::byte byte) { return byte == std::byte{0}; });
  const bool within_limits =
      header_.page_bytes == kPageBytes && header_.pages >= 1 && header_.pages <= kMaxImagePages &&
      header_.entries <= kMaxImageEntries && header_.contents <= header_.entries &&
      header_.snapshots >= 1 && header_.snapshots <= kMaxImageSnapshots &&
      header_.mappings <= kMaxImageMappings && header_.name_bytes <= kMaxImageNameBytes &&
      header_.stopped <= 1 && header_.end <= ImageEnd::kFull;
  if (!within_limits || !rest_is_zero || !is_zero(header_.reserved)) {
    return broken("its header is damaged, or exceeds the limits of its format");
  }
  if (file_bytes != content_offset(header_.contents) + tables_of(header_).bytes()) {
    return broken("it has " + std::to_string(file_bytes) +
                  " bytes, and its header says another length: it was cut short or damaged");
  }
  return Status();
}

Status ImageFile::load_tables() {
  ImageChecksum checksum;
  ImageHeader unnamed = header_;
  unnamed.id = 0;
  checksum.add(std::as_bytes(std::span(&unnamed, 1)));
  const ImageTables tables = tables_of(header_);
  std::uint64_t offset = content_offset(header_.contents);
  std::vector<std::byte> buffer(kPieceBytes);
  // Calls take(bytes) with the next part of the tables, piece by piece.
  const auto read = [&](std::uint64_t bytes, auto take) {
    while (bytes > 0) {
      const auto piece = std::span(buffer).first(std::min<std::uint64_t>(bytes, kPieceBytes));
      if (Status status = read_at(offset, piece); !status.ok()) return status;
      checksum.add(piece);
      take(piece);
      offset += piece.size();
      bytes -= piece.size();
    }
    return Status();
  };
  snapshots_.resize(header_.snapshots);
  std::uint64_t filled = 0;
  Status status = read(tables.snapshots, [&](std::span<const std::byte> piece) {
    std::memcpy(reinterpret_cast<std::byte*>(snapshots_.data()) + filled, piece.data(),
                piece.size());
    filled += piece.size();
  });
  // Where the pages were in the process is for people, and for other readers.
  if (status.ok()) status = read(tables.mappings + tables.addresses, [](auto) {});
  entries_.reserve(header_.entries);
  std::uint32_t content = 0;
  if (status.ok()) {
    status = read(tables.entries, [&](std::span<const std::byte> piece) {
      for (std::size_t at = 0; at < piece.size(); at += sizeof(std::uint32_t)) {
        if (entries_.size() == header_.entries) return;  // What follows fills up a word.
        std::uint32_t entry;
        std::memcpy(&entry, piece.data() + at, sizeof entry);
        const bool zero = entry & kEntryIsZero;
        entries_.push_back({entry & kEntryPage, zero ? kNoContent : content++});
      }
    });
  }
  if (status.ok()) status = read(tables.names, [](auto) {});
  if (!status.ok()) return status;
  return checksum.value() == header_.id ? Status() : broken("its tables are damaged");
}

Status ImageFile::check_snapshots() const {
  std::uint64_t entries = 0;
  std::uint64_t contents = 0;
  for (const ImageSnapshot& snapshot : snapshots_) {
    const bool first = &snapshot == &snapshots_.front();
    const std::uint64_t before = first ? 0 : (&snapshot - 1)->time_ns;
    if (first ? snapshot.time_ns != 0 : snapshot.time_ns <= before) {
      return broken("its snapshots are not in the order of their times");
    }
    if (snapshot.time_ns > kMaxImageTimeNs || snapshot.entries > entries_.size() - entries) {
      return broken("its snapshots exceed it");
    }
    const auto named = std::span(entries_).subspan(entries, snapshot.entries);
    const auto own = static_cast<std::uint64_t>(std::ranges::count_if(
        named, [](const Entry& entry) { return entry.content != kNoContent; }));
    if (own != snapshot.contents) return broken("its snapshots do not match their entries");
    entries += snapshot.entries;
    contents += own;
  }
  if (entries != entries_.size() || contents != header_.contents) {
    return broken("its snapshots do not match its header");
  }
  const bool within =
      std::ranges::all_of(entries_, [&](const Entry& entry) { return entry.page < header_.pages; });
  return within ? Status() : broken("an entry is of a page that it does not have");
}

Result<std::shared_ptr<const ImageFile>> ImageFile::open_checked(const std::string& path) {
  Result<std::shared_ptr<const ImageFile>> image = open(path);
  if (!image.ok()) return image;
  if (Status status = image.value()->check_contents(); !status.ok()) return status;
  return image;
}

Status ImageFile::check_contents() const {
  std::vector<std::byte> buffer(kPieceBytes);
  std::uint64_t content = 0;
  for (const ImageSnapshot& snapshot : snapshots_) {
    ImageChecksum checksum;
    for (std::uint64_t left = snapshot.contents; left > 0;) {
      const std::uint64_t pages = std::min<std::uint64_t>(left, kPieceBytes / kPageBytes);
      const auto piece = std::span(buffer).first(pages * kPageBytes);
      if (Status status = read_at(content_offset(content), piece); !status.ok()) return status;
      checksum.add(piece);
      content += pages;
      left -= pages;
    }
    if (checksum.value() != snapshot.checksum) return broken("its contents are damaged");
  }
  return Status();
}

Status ImageFile::read_content(std::uint32_t content, std::span<std::byte, kPageBytes> out) const {
  if (content == kNoContent) {
    std::ranges::fill(out, std::byte{0});
    return Status();
  }
  return read_at(content_offset(content), out);
}

}  // namespace pageferry
