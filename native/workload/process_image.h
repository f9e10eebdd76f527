// The memory of a running process, written to an image file (docs/image-format.md).
//
// The process keeps running, and each page is as it was when it was copied; or it stands still during each
// snapshot. Memory: 24 bytes for each page of the process, 4 for each page that a snapshot writes, and buffers of
// 2 MiB.
//
// Thread contract: one call at a time, from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "image/image_writer.h"
#include "os/pagemap.h"
#include "os/process_memory.h"
#include "os/status.h"
#include "os/stopped_process.h"
#include "workload/seen_pages.h"

namespace pageferry {

// Why no page of this mapping is copied.
LeftOut left_out(const ProcessMapping& mapping);

class ProcessImage {
 public:
  struct Progress {
    std::uint64_t pages;         // of this snapshot that have been looked at
    std::uint64_t of;            // that were resident when it began
    std::uint64_t stored_bytes;  // of all snapshots
    bool complete;
  };
  struct Summary {
    std::uint64_t file_bytes;
    std::uint64_t pages;
    std::uint64_t
        unreadable;  // of the first snapshot: they vanished, or the kernel let nobody read them
    std::vector<ImageSnapshot> snapshots;
    std::vector<ImageWriter::Mapping> mappings;
  };

  // `path`: of the file, which is there after finish(). Fails when the process cannot be read or the file cannot be
  // written there.
  static Result<std::unique_ptr<ProcessImage>> start(int pid, const std::string& path, bool stop);

  // kPeerClosed when the process has ended, or runs another program. From here to the end of the snapshot the
  // process stands still, if it was to stop.
  Status begin_snapshot();
  // A part of it, of 16 MiB at most. With the last part the snapshot belongs to the image. kPeerClosed when
  // the process has ended meanwhile, kUnsupported at a limit of the format: whoever goes on drops the snapshot.
  Result<Progress> step();
  // As if it had not begun; after this only finish() may follow.
  void drop_snapshot();

  // After at least one snapshot, and outside of one. Nothing may follow.
  Result<Summary> finish(ImageEnd end);

 private:
  ProcessImage(int pid, bool stop, ProcessMappings mappings, Pagemap pagemap,
               std::unique_ptr<ImageWriter> writer);
  Status find_resident();
  Status read_block(std::uint64_t address, std::uint64_t pages);
  Status take(std::uint64_t address, const std::byte* content);
  Status end_snapshot();
  bool is_first() const { return writer_->snapshots().empty(); }

  const int pid_;
  const bool stop_;
  const ProcessMappings mappings_;
  const Pagemap pagemap_;
  const std::unique_ptr<ImageWriter> writer_;

  SeenPages seen_;
  std::vector<std::uint64_t> addresses_;      // of each page that was seen
  std::uint64_t pages_ = 0;                   // of them in the snapshots that have ended
  std::vector<ImageWriter::Mapping> layout_;  // of the first snapshot
  std::uint64_t unreadable_ = 0;              // of the first snapshot
  std::int64_t first_ns_ = 0;                 // when the first snapshot began
  std::int64_t stood_still_ns_ = 0;           // since then

  // Of the snapshot under way.
  std::optional<StoppedProcess> stopped_;
  std::int64_t begun_ns_ = 0;
  std::vector<AddressRange> resident_;
  std::size_t next_range_ = 0;
  std::uint64_t next_offset_ = 0;  // in that range
  Progress progress_ = {};
  std::vector<std::byte> buffer_;
};

}  // namespace pageferry
