// Reads an image file (docs/image-format.md), which may hold any bytes: it came from somebody else, or a disk
// has damaged it. Nothing is allocated beyond 8 bytes for each entry that the file has room for.
//
// Contents are read by system calls, and the file is not mapped: whoever cuts it short meanwhile makes a read
// fail, and does not end the process.
//
// Thread contract: immutable; call from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "image/image_format.h"
#include "os/status.h"
#include "os/unique_fd.h"

namespace pageferry {

class ImageFile {
 public:
  // No content: the page is zero.
  static constexpr std::uint32_t kNoContent = ~std::uint32_t{0};

  struct Entry {
    std::uint32_t page;     // below pages()
    std::uint32_t content;  // or kNoContent
  };

  // Checks the header and the tables. kInvalidArgument, with what is wrong, for what is no image, an image that
  // was cut short, or one whose tables are damaged.
  static Result<std::shared_ptr<const ImageFile>> open(const std::string& path);
  // The same, and checks the contents, which reads all of the file.
  static Result<std::shared_ptr<const ImageFile>> open_checked(const std::string& path);

  std::uint64_t pages() const { return header_.pages; }
  std::uint64_t id() const { return header_.id; }
  const std::vector<ImageSnapshot>& snapshots() const { return snapshots_; }
  // Of all snapshots, in order; snapshots()[0].entries are of the first.
  const std::vector<Entry>& entries() const { return entries_; }

  // Reads all contents and compares them with their checksums. kInvalidArgument when they differ.
  Status check_contents() const;

  // Copies a content; zeros for kNoContent. Fails when the file cannot be read, or was cut short meanwhile.
  Status read_content(std::uint32_t content, std::span<std::byte, kPageBytes> out) const;

 private:
  ImageFile(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  // Each needs those before it.
  Status load_header(std::uint64_t file_bytes);
  Status load_tables();
  Status check_snapshots() const;

  Status read_at(std::uint64_t offset, std::span<std::byte> out) const;
  Status broken(const std::string& what) const;

  const UniqueFd fd_;
  const std::string path_;
  ImageHeader header_;
  std::vector<ImageSnapshot> snapshots_;
  std::vector<Entry> entries_;
};

using SharedImage = std::shared_ptr<const ImageFile>;

}  // namespace pageferry
