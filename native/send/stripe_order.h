// The order in which a round goes through memory: the stripes that hold a page of it ascend, and each belongs to one page
// channel (docs/protocol.md, section 5). Each is handed out once, so all records of a page are made by one thread.
//
// Thread contract: everything from any thread; the set does not change meanwhile.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "os/mutex.h"
#include "region/page_bitmap.h"
#include "wire/records.h"

namespace pageferry {

class StripeOrder {
 public:
  StripeOrder(const PageBitmap& pages, std::size_t channels)
      : pages_(pages), next_(channels, 0), channels_(channels) {}

  // The next stripe of this channel; nothing when none is left.
  std::optional<PageRange> take(std::size_t channel) EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    const PageIndex end = pages_.page_count();
    PageIndex& next = next_[channel];
    while (true) {
      const PageIndex at = pages_.next_set(next, end);
      if (at == end) {
        next = end;
        return std::nullopt;
      }
      const std::uint64_t stripe = at / wire::kStripePages;
      next = std::min(end, (stripe + 1) * wire::kStripePages);
      if (wire::channel_of_stripe(stripe, channels_) == channel) return PageRange{at, next - at};
    }
  }

 private:
  const PageBitmap& pages_;
  Mutex mutex_;
  std::vector<PageIndex> next_ GUARDED_BY(mutex_);
  const std::size_t channels_;
};

}  // namespace pageferry
