// The source's end of the page channels: sends a set of pages over all of them at once.
//
// It has a thread for each channel, from its creation on. A call hands the work to them and returns at once;
// `on_sent` is told when the last byte is in the sockets, or why not.
//
// Thread contract: every call from any thread; those that send are done one after the other. on_sent is
// called once for each, on a thread of the sender's, which must not destroy the sender. After cancel every
// call fails with kCancelled and the connections are shut down: a cancelled sender is of no further use. The
// destructor cancels, and returns when every on_sent was called.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "net/stream.h"
#include "net/token_bucket.h"
#include "os/status.h"
#include "region/guest_memory.h"
#include "region/residual_set.h"
#include "send/page_channel.h"
#include "send/push_width.h"
#include "send/sender_threads.h"
#include "send/source_pages.h"
#include "tracker/dirty_tracker.h"
#include "wire/contents.h"

namespace pageferry {

struct SendStats {
  ClassStats contents;
  std::uint64_t pages_skipped = 0;  // hot: written again before they were sent
  std::uint64_t wire_bytes = 0;     // counted at the sockets
  std::uint64_t nanoseconds = 0;
  Waits waits;  // of the channels' threads, added up
};

class PageSender {
 public:
  // What a call was given is used until this is called.
  using OnSent = std::function<void(Result<SendStats>)>;

  // One page channel per stream, at least one. So many threads encode for them: without any, each channel's thread
  // encodes what it sends. So many bytes are kept of what was sent, as bases of deltas. Fails when the system has no
  // thread left for one of them.
  struct Options {
    EffortPlan effort;
    std::size_t encoders = 0;
    int encoder_nice = 0;  // 0 to 19 (os/nice.h)
    std::uint64_t version_bytes = 0;
  };
  static Result<std::unique_ptr<PageSender>> create(std::shared_ptr<GuestMemory> memory,
                                                    std::vector<StreamPtr> channels,
                                                    std::shared_ptr<TokenBucket> bucket,
                                                    const Options& options);
  PageSender(const PageSender&) = delete;
  PageSender& operator=(const PageSender&) = delete;
  ~PageSender();

  // Sends every page of the set, then a sync on every channel. With a tracker, pages that were written
  // again since their harvest are skipped: they are dirty and will be harvested again.
  void send_round(const PageBitmap& pages, DirtyTracker* skip_hot, OnSent on_sent);

  // Announces the residual set, then sends a sync on every channel.
  void announce_missing(const PageBitmap& missing, OnSent on_sent);

  // The guest is paused. Adds to `pages` what was written since the last harvest (a peek finds it: nobody
  // writes any more, and should the guest go on here, nothing was consumed), or without a tracker
  // what is populated by now and not in `pages` yet; and the pages that the guest has discarded since their
  // content was sent, which no tracker reports. Then sends them or announces them as missing, and a sync. One
  // call, because every hand-over between threads is downtime.
  enum class FinalRound : std::uint8_t { kSend, kAnnounce };
  void final_round(PageBitmap& pages, DirtyTracker* tracker, FinalRound what, OnSent on_sent);

  // Post-copy's active push: takes pages from the set and sends them until it is empty, then a sync. Half
  // of the channels carry it, at least one, and all of them when `width` says so.
  void push(ResidualSet& residual, PushWidth& width, OnSent on_sent);

  // The number of the last sync sent.
  std::uint64_t last_sync() const { return sync_.load(std::memory_order_acquire); }

  // Pages whose record is in the sockets as a whole, by content, and all bytes there.
  struct Progress {
    wire::PagesByContent pages;
    ClassStats contents;  // encoded so far, in calls that are over or under way
    std::uint64_t wire_bytes;
  };
  // Totals of all calls so far, also while one is running, and of those that failed.
  Progress progress() const;
  // Bytes in the sockets that the peer's kernel has not acknowledged yet: they are still on their way.
  std::uint64_t unacknowledged_bytes() const;

  // The way to the destination: what all page channels have delivered, how long the busiest of them was busy, and the
  // round trip of the one on which data waits longest; their delivery rate together, 0 where one of them had nothing to
  // send. Nothing where the destination is on this host, or before anything was measured.
  std::optional<RoundTrip> link() const;

  // From the next block on.
  void set_effort(const EffortPlan& plan) EXCLUDES(turn_mutex_);
  // What is kept as bases of deltas.
  std::uint64_t version_bytes() const { return pages_.versions.bytes_held(); }

  void cancel();

 private:
  struct Round;
  class QueueSink;

  PageSender(std::shared_ptr<GuestMemory> memory, std::vector<StreamPtr> channels,
             std::shared_ptr<TokenBucket> bucket, const Options& options);
  template <class Work>
  void begin(Work work, OnSent on_sent);
  void make_room_for(const PageBitmap& pages);
  Result<SendStats> round(const PageBitmap& pages, DirtyTracker* skip_hot, Use use);
  Result<SendStats> announcement(const PageBitmap& missing);
  template <class Body>
  Result<SendStats> on_every_channel(std::uint64_t pages, Use use, Body body);
  template <class Body>
  Result<SendStats> in_one_call(Use use, Body body);
  Status send_stripes(PageChannel& channel, Round& round);
  Status encode_stripes(std::size_t number, Round& round);
  Status encode_stripe(PageEncoder& encoder, PageRange stripe, Round& round);
  bool wait_for_turn(std::size_t number, const Round& round) EXCLUDES(turn_mutex_);
  std::optional<std::pair<std::size_t, PageRange>> next_for_encoder(Round& round)
      EXCLUDES(turn_mutex_);
  template <class MayGoOn>
  Status push_stretches(PageChannel& channel, ResidualSet& residual, MayGoOn may_go_on);

  const std::shared_ptr<TokenBucket> bucket_;
  SourcePages pages_;
  // Pages that were to be sent again while the guest ran: its writable working set, as far as it is known. A round's own.
  PageBitmap written_;
  std::atomic<bool> cancelled_{false};
  std::atomic<std::uint64_t> sync_{0};
  SentPages sent_ = {};
  Mutex turn_mutex_;
  Condition turn_came_;  // for encoders that the plan did not want
  // Each is its thread's.
  std::vector<std::unique_ptr<PageChannel>> channels_;
  std::vector<std::unique_ptr<PageEncoder>> encoders_;
  std::unique_ptr<SenderThreads> threads_;  // last, so that it is joined first
};

}  // namespace pageferry
