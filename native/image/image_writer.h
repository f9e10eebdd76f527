// Writes an image file (docs/image-format.md), snapshot by snapshot.
//
// The file is written beside its place and takes it in finish(), so that there is a whole file or none.
// Memory: 4 bytes for each entry, and one buffer.
//
// Thread contract: one call at a time, from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "image/image_checksum.h"
#include "image/image_format.h"
#include "os/status.h"
#include "os/unique_fd.h"

namespace pageferry {

class ImageWriter {
 public:
  struct Mapping {
    ImageMapping record;  // its name_bytes are set here
    std::string name;     // longer ones than 4096 bytes are cut
  };
  struct Layout {
    std::span<const std::uint64_t> addresses;  // of each page
    std::span<const Mapping> mappings;
  };

  // Only the owner may read the file. `stopped`: the process stands still during each snapshot.
  static Result<std::unique_ptr<ImageWriter>> create(const std::string& path, bool stopped);
  // Removes what has not been finished.
  ~ImageWriter();
  ImageWriter(const ImageWriter&) = delete;
  ImageWriter& operator=(const ImageWriter&) = delete;

  // `time_ns`: since the first one began; more than that of the one before.
  void begin_snapshot(std::uint64_t time_ns);
  // Within a snapshot. A page that has no entry in the first one is zero there. kUnsupported when the
  // image would exceed a limit of the format.
  Status add_content(std::uint32_t page, std::span<const std::byte, kPageBytes> content);
  Status add_zero(std::uint32_t page);
  // On success the snapshot belongs to the image.
  Status end_snapshot(std::uint64_t duration_ns);
  // As if it had not begun.
  void drop_snapshot();

  const std::vector<ImageSnapshot>& snapshots() const { return snapshots_; }
  std::uint64_t contents() const { return contents_; }

  // After at least one snapshot, and outside of one. On success the file is in its place, and this answers
  // its length in bytes; no other call may follow.
  Result<std::uint64_t> finish(const Layout& layout, ImageEnd end);

 private:
  ImageWriter(UniqueFd fd, std::string path, std::string temporary, bool stopped);
  Status flush();
  Status append(std::span<const std::byte> bytes);
  Status write_tables(const Layout& layout, const ImageHeader& header, ImageChecksum& checksum);
  Status fail_if_full() const;

  UniqueFd fd_;
  const std::string path_;
  const std::string temporary_;  // removed unless finished
  const bool stopped_;
  bool finished_ = false;
  const std::uint64_t started_ms_;
  std::vector<std::byte> buffer_;  // of contents, or of tables, that are not in the file yet
  std::uint64_t offset_;           // where they go
  std::vector<ImageSnapshot> snapshots_;
  std::vector<std::uint32_t> entries_;
  std::uint64_t contents_ = 0;  // of the snapshots that have ended
  ImageSnapshot current_;
  ImageChecksum checksum_;  // of the current snapshot's contents
};

}  // namespace pageferry
