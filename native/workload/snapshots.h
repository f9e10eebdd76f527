// What a guest does that goes through the snapshots of an image: forth from the first to the last, back to the first, and
// again.
//
// Operation number n of a period sets one page that a snapshot sets, in the order of the image. On the way
// back the same pages get what they held before, in the opposite order. So after any number of operations the
// guest's memory is that of a point between two snapshots, and follows from the image and that number alone.
//
// An operation compares the page with what it must hold before, and then writes the words that differ. Without
// the comparison a write that got lost would go unseen as soon as the page is written again.
//
// Thread contract: immutable; call from any thread. apply() runs on the one guest thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "image/image_file.h"
#include "os/status.h"
#include "workload/trace.h"

namespace pageferry {

class Snapshots {
 public:
  struct Step {
    std::uint32_t page;
    std::uint32_t before;  // contents of the image
    std::uint32_t after;
  };

  // kInvalidArgument for an image without a later snapshot that changes a page. Its contents have been checked.
  static Result<std::shared_ptr<const Snapshots>> create(std::shared_ptr<const ImageFile> image);

  const ImageFile& image() const { return *image_; }
  // Of any operation since the guest's first start.
  Step step(std::uint64_t operation) const;
  // When they are due: those of each snapshot evenly spread over the time before it. It has no pages.
  TraceView schedule() const {
    return TraceView(reinterpret_cast<const std::byte*>(intervals_.data()), intervals_.size(),
                     2 * steps_.size());
  }
  // The longest time between two operations that are due.
  std::uint64_t longest_wait_ns() const;

  // Does the step on its page in the guest mapping. False when the page did not hold what it must, or the image
  // cannot be read any more.
  bool apply(const Step& step, std::byte* page_bytes) const;

  // The content of each page of the image after so many operations.
  std::vector<std::uint32_t> contents_after(std::uint64_t operations) const;

 private:
  explicit Snapshots(std::shared_ptr<const ImageFile> image);

  const std::shared_ptr<const ImageFile> image_;
  std::vector<Step> steps_;               // on the way forth
  std::vector<TraceInterval> intervals_;  // of a whole period
};

// The content of each page at the first snapshot.
std::vector<std::uint32_t> first_contents(const ImageFile& image);

}  // namespace pageferry
