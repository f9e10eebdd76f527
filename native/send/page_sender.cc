#include "send/page_sender.h"

#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>

#include "os/contained.h"
#include "send/stripe_order.h"

namespace pageferry {

namespace {

using Clock = std::chrono::steady_clock;

// So many pages are sent by one thread over all channels sooner than another thread is awake.
constexpr std::uint64_t kFewPages = 128;
// So many pages of a final round the threads of the channels encode themselves.
constexpr std::uint64_t kFewFinalPages = 16384;

// The failure that came first is the reason; kCancelled on another channel is its consequence.
Status reason_of(const std::vector<Status>& outcomes) {
  const auto is_reason = [](const Status& status) {
    return !status.ok() && status.code() != StatusCode::kCancelled;
  };
  const auto reason = std::ranges::find_if(outcomes, is_reason);
  if (reason != outcomes.end()) return *reason;
  const auto failed = std::ranges::find_if(outcomes, [](const Status& s) { return !s.ok(); });
  return failed == outcomes.end() ? Status() : *failed;
}

Status cancelled() { return Status(StatusCode::kCancelled, "send"); }

}  // namespace

// The pages of a call, as they are handed out.
struct PageSender::Round {
  Round(const PageBitmap& all, DirtyTracker* tracker, Use what, std::size_t channels)
      : pages(all),
        skip_hot(tracker),
        use(what),
        order(all, channels),
        encoders_for(channels),
        hot(tracker != nullptr ? all.page_count() : 0) {}

  const PageBitmap& pages;
  DirtyTracker* const skip_hot;
  const Use use;
  StripeOrder order;
  std::atomic<std::uint64_t> skipped{0};
  std::atomic<std::size_t> encoders_at_work{0};
  // Both under turn_mutex_.
  std::vector<unsigned> encoders_for;  // at work for each channel
  bool is_handed_out = false;
  // The guest wrote them since they were harvested.
  PageBitmap hot;
};

// What an encoder makes for a channel waits in that channel's queue.
class PageSender::QueueSink final : public RecordSink {
 public:
  QueueSink(const PageSender& sender, PageChannel& channel)
      : queue_(channel.queue()),
        effort_(sender.pages_.effort),
        batch_bytes_(sender.bucket_->batch_bytes(kMaxBatchBytes)) {}

  Status take(RecordWriter& record) override {
    if (record.empty()) return Status();
    return queue_.put(record, effort_.queue_bytes()) ? Status() : cancelled();
  }
  std::uint64_t batch_bytes() const override { return batch_bytes_; }
  Slower slower() const override {
    return queue_.bytes() > effort_.queue_bytes() / 2 ? Slower::kLink : Slower::kEncoders;
  }

 private:
  // Several records are in a queue of the least size.
  static constexpr std::uint64_t kMaxBatchBytes = 128u << 10;

  RecordQueue& queue_;
  const Effort& effort_;
  const std::uint64_t batch_bytes_;
};

Result<std::unique_ptr<PageSender>> PageSender::create(std::shared_ptr<GuestMemory> memory,
                                                       std::vector<StreamPtr> channels,
                                                       std::shared_ptr<TokenBucket> bucket,
                                                       const Options& options) {
  std::unique_ptr<PageSender> sender(
      new PageSender(std::move(memory), std::move(channels), std::move(bucket), options));
  auto threads = SenderThreads::start(sender->channels_.size() + sender->encoders_.size(),
                                      sender->channels_.size(), options.encoder_nice);
  if (!threads.ok()) return threads.status();
  sender->threads_ = std::move(threads.value());
  return sender;
}

PageSender::PageSender(std::shared_ptr<GuestMemory> memory, std::vector<StreamPtr> channels,
                       std::shared_ptr<TokenBucket> bucket, const Options& options)
    : bucket_(std::move(bucket)),
      pages_(std::move(memory), options.effort, options.version_bytes),
      written_(pages_.memory->page_count()) {
  for (std::size_t i = 0; i < channels.size(); ++i) {
    channels_.push_back(
        std::make_unique<PageChannel>(i, std::move(channels[i]), *bucket_, pages_, sent_));
    channels_.back()->encoder().prepare_for_push();
  }
  for (std::size_t i = 0; i < options.encoders; ++i) {
    encoders_.push_back(std::make_unique<PageEncoder>(pages_));
  }
}

PageSender::~PageSender() { cancel(); }

template <class Work>
void PageSender::begin(Work work, OnSent on_sent) {
  threads_->begin([work = std::move(work), on_sent = std::move(on_sent)]() mutable {
    on_sent(contained([&]() -> Result<SendStats> { return work(); }));
  });
}

// Body makes of each channel what it sends, then each ends with the next sync: body(finish), which calls finish(channel, sent)
// once for each channel and answers why something else failed.
template <class Body>
Result<SendStats> PageSender::in_one_call(Use use, Body body) {
  const auto started = Clock::now();
  const ClassStats before = pages_.encoded.read();
  const std::uint64_t sync = sync_.load() + 1;
  std::vector<Status> outcomes(channels_.size() + encoders_.size());
  for (const auto& channel : channels_) channel->begin(use);
  // Whoever fails ends the others: they would only send into a migration that has failed.
  const auto run = [&](std::size_t i, auto share) {
    outcomes[i] = contained([&]() -> Status {
      Status done = share();
      return done.ok() && i < channels_.size() ? channels_[i]->finish(sync) : done;
    });
    if (!outcomes[i].ok()) cancel();
  };
  body(run);
  if (Status reason = reason_of(outcomes); !reason.ok()) return reason;

  SendStats stats;
  stats.contents = pages_.encoded.read().since(before);
  for (const auto& channel : channels_) {
    stats.wire_bytes += channel->wire_bytes();
    stats.waits.add(channel->waits());
  }
  stats.nanoseconds = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - started).count());
  sync_.store(sync, std::memory_order_release);
  return stats;
}

// Runs `body(channel)` for each channel on its thread. Few pages need no thread but this one, which then takes the
// channels in order.
template <class Body>
Result<SendStats> PageSender::on_every_channel(std::uint64_t pages, Use use, Body body) {
  return in_one_call(use, [&](auto run) {
    const auto share = [&](std::size_t i) { run(i, [&] { return body(*channels_[i]); }); };
    if (pages <= kFewPages) {
      for (std::size_t i = 0; i < channels_.size(); ++i) share(i);
    } else {
      threads_->spread(channels_.size(), share);
    }
  });
}

void PageSender::send_round(const PageBitmap& pages, DirtyTracker* skip_hot, OnSent on_sent) {
  begin(
      [this, &pages, skip_hot] {
        if (sync_.load() == 0) return round(pages, skip_hot, Use::kFirst);
        make_room_for(pages);
        return round(pages, skip_hot, Use::kLive);
      },
      std::move(on_sent));
}

// Where not all versions fit those of pages that the guest never wrote make room for the pages of this round. What is sent
// after the first round belongs to the working set, so no page outside of it gets a version again.
void PageSender::make_room_for(const PageBitmap& pages) {
  if (!pages_.versions.keeps_any()) return;
  written_.merge(pages);
  if (!pages_.versions.lacked_room()) return;
  pages_.versions.make_room(pages.count() * kPageBytes, written_);
}

Result<SendStats> PageSender::round(const PageBitmap& pages, DirtyTracker* skip_hot, Use use) {
  Round round(pages, skip_hot, use, channels_.size());
  const std::uint64_t count = pages.count();
  // Encoders give way to guests, and nothing else may while the guest is paused; a long final round needs all there are.
  const std::uint64_t few = use == Use::kFinal ? kFewFinalPages : kFewPages;
  const bool encodes_aside = !encoders_.empty() && pages_.effort.encoders() > 0 && count > few;
  auto sent =
      encodes_aside
          ? in_one_call(use,
                        [&](auto run) {
                          for (const auto& channel : channels_) channel->queue().open();
                          round.encoders_at_work = encoders_.size();
                          threads_->spread(channels_.size() + encoders_.size(), [&](std::size_t i) {
                            run(i, [&] {
                              return i < channels_.size()
                                         ? channels_[i]->send_queued()
                                         : encode_stripes(i - channels_.size(), round);
                            });
                          });
                        })
          : on_every_channel(count, use,
                             [&](PageChannel& channel) { return send_stripes(channel, round); });
  if (sent.ok()) sent.value().pages_skipped = round.skipped;
  return sent;
}

// The channel's thread encodes the pages of its stripes, and sends them.
Status PageSender::send_stripes(PageChannel& channel, Round& round) {
  while (const auto stripe = round.order.take(channel.number())) {
    Status encoded = encode_stripe(channel.encoder(), *stripe, round);
    if (!encoded.ok()) return encoded;
  }
  return Status();
}

// Encodes stripes for whichever channel needs them most, until there are none.
Status PageSender::encode_stripes(std::size_t number, Round& round) {
  PageEncoder& encoder = *encoders_[number];
  Status failure;
  while (failure.ok() && wait_for_turn(number, round)) {
    const auto next = next_for_encoder(round);
    if (!next.has_value()) break;
    QueueSink sink(*this, *channels_[next->first]);
    encoder.begin(sink, round.use);
    failure = encode_stripe(encoder, next->second, round);
    if (failure.ok()) failure = encoder.flush();
    const MutexLock lock(turn_mutex_);
    --round.encoders_for[next->first];
  }
  {
    const MutexLock lock(turn_mutex_);
    round.is_handed_out = true;
    turn_came_.notify_all();
  }
  if (round.encoders_at_work.fetch_sub(1) == 1) {
    for (const auto& channel : channels_) channel->queue().close();
  }
  return failure;
}

// The plan may want fewer encoders than there are threads. The first always goes on; false when there is nothing left.
bool PageSender::wait_for_turn(std::size_t number, const Round& round) {
  MutexLock lock(turn_mutex_);
  while (number > 0 && number >= pages_.effort.encoders() && !round.is_handed_out &&
         !cancelled_.load(std::memory_order_relaxed)) {
    turn_came_.wait(lock);
  }
  return !round.is_handed_out;
}

// A stripe of the channel for which the fewest encoders are at work, of those that have stripes left; among equals the
// one with the shortest queue. By the queue alone two encoders that find every queue full would both begin for the same
// channel, and another would run dry before they have sent what it takes to end there.
std::optional<std::pair<std::size_t, PageRange>> PageSender::next_for_encoder(Round& round) {
  const MutexLock lock(turn_mutex_);
  std::vector<std::tuple<unsigned, std::uint64_t, std::size_t>> needs;
  for (const auto& channel : channels_) {
    const std::size_t number = channel->number();
    needs.emplace_back(round.encoders_for[number], channel->queue().bytes(), number);
  }
  std::ranges::sort(needs);
  for (const auto& [encoders, bytes, channel] : needs) {
    const auto stripe = round.order.take(channel);
    if (!stripe.has_value()) continue;
    ++round.encoders_for[channel];
    return std::pair(channel, *stripe);
  }
  return std::nullopt;
}

// Adds the pages of a stripe to the encoder. A page that was written again since it was harvested is left out: it is dirty
// and will be harvested again.
Status PageSender::encode_stripe(PageEncoder& encoder, PageRange stripe, Round& round) {
  if (cancelled_.load(std::memory_order_relaxed)) return cancelled();
  Status failure;
  std::uint64_t skipped = 0;
  pages_.memory->for_each_region(stripe, [&](const Region& region, PageRange part) {
    if (failure.ok() && round.skip_hot != nullptr) failure = round.skip_hot->peek(part, round.hot);
    round.pages.for_each_run(part, [&](PageRange run) {
      for (PageIndex page = run.first; failure.ok() && page < run.end(); ++page) {
        const bool is_hot = round.skip_hot != nullptr && round.hot.test(page);
        if (is_hot && !encoder.lacks_version(page)) {
          ++skipped;
        } else {
          if (page + 1 < run.end()) encoder.prefetch(page + 1);
          failure = encoder.add_page(region, page, is_hot);
        }
      }
    });
  });
  round.skipped.fetch_add(skipped, std::memory_order_relaxed);
  return failure;
}

void PageSender::announce_missing(const PageBitmap& missing, OnSent on_sent) {
  begin([this, &missing] { return announcement(missing); }, std::move(on_sent));
}

Result<SendStats> PageSender::announcement(const PageBitmap& missing) {
  StripeOrder order(missing, channels_.size());
  return on_every_channel(missing.count(), Use::kFinal, [&](PageChannel& channel) {
    Status failure;
    while (const auto stripe = order.take(channel.number())) {
      pages_.memory->for_each_region(*stripe, [&](const Region&, PageRange part) {
        if (failure.ok()) failure = channel.encoder().add_missing(part, missing);
      });
      if (!failure.ok()) return failure;
    }
    return Status();
  });
}

void PageSender::final_round(PageBitmap& pages, DirtyTracker* tracker, FinalRound what,
                             OnSent on_sent) {
  begin(
      [this, &pages, tracker, what]() -> Result<SendStats> {
        Status found = tracker != nullptr ? tracker->peek(pages.all(), pages)
                                          : pages_.memory->find_populated(pages);
        if (found.ok()) found = pages_.memory->find_holes(pages_.with_content, pages);
        if (!found.ok()) return found;
        return what == FinalRound::kSend ? round(pages, nullptr, Use::kFinal) : announcement(pages);
      },
      std::move(on_sent));
}

void PageSender::push(ResidualSet& residual, PushWidth& width, OnSent on_sent) {
  // The guest runs at the other end, and needs cores there while it waits for pages.
  const std::size_t always = std::max<std::size_t>(1, channels_.size() / 2);
  const auto push_on = [this, &residual, &width, always](PageChannel& channel) {
    const bool first = channel.number() == 0;
    Status pushed = contained([&] {
      return push_stretches(channel, residual, [&] {
        if (first) width.observe(residual.demands(), Clock::now());
        return channel.number() < always || width.wait_for_all();
      });
    });
    if (first) width.end();
    return pushed;
  };
  begin(
      [this, &residual, push_on] {
        const std::uint64_t pages = residual.pages().count();
        if (pages <= kFewPages || encoders_.empty()) {
          return on_every_channel(pages, Use::kPush, push_on);
        }
        // No page has a base any more. What is kept may be a large part of this host's memory, so an encoder, which has
        // nothing else to do, lets it go while the channels push.
        return in_one_call(Use::kPush, [&](auto run) {
          threads_->spread(channels_.size() + 1, [&](std::size_t i) {
            run(i, [&] {
              if (i < channels_.size()) return push_on(*channels_[i]);
              pages_.versions.clear();
              return Status();
            });
          });
        });
      },
      std::move(on_sent));
}

// Takes pages from the set and sends them until there is none, or may_go_on() answers false.
template <class MayGoOn>
Status PageSender::push_stretches(PageChannel& channel, ResidualSet& residual, MayGoOn may_go_on) {
  Status failure;
  while (failure.ok() && may_go_on()) {
    // Waited for before any page is taken: a page that was taken and lies in our buffer is one that a
    // guest thread asks for in vain, and that then travels twice.
    const std::uint64_t pages = channel.prepay_batch();
    if (pages == 0) return cancelled();
    const PageRange stretch = residual.next_stretch(pages);
    if (stretch.count == 0) {
      channel.refund();
      return Status();
    }
    pages_.memory->for_each_region(stretch, [&](const Region& region, PageRange part) {
      residual.pages().for_each_run(part, [&](PageRange run) {
        for (PageIndex page = run.first; failure.ok() && page < run.end(); ++page) {
          if (residual.pages().take(page))
            failure = channel.encoder().add_page(region, page, false);
        }
      });
    });
    if (failure.ok()) failure = channel.encoder().flush();
    if (cancelled_.load(std::memory_order_relaxed)) {
      failure = cancelled();
    }
  }
  return failure;
}

PageSender::Progress PageSender::progress() const {
  Progress progress = {.pages = {}, .contents = pages_.encoded.read(), .wire_bytes = 0};
  for (std::size_t row = 0; row < sent_.size(); ++row) {
    progress.pages[wire::kContents[row].id] = sent_[row].load(std::memory_order_relaxed);
  }
  for (const auto& channel : channels_) {
    progress.wire_bytes += channel->stream().bytes_sent();
  }
  return progress;
}

std::uint64_t PageSender::unacknowledged_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& channel : channels_) bytes += channel->stream().bytes_unacknowledged();
  return bytes;
}

std::optional<RoundTrip> PageSender::link() const {
  if (channels_.front()->stream().peer_is_local()) return std::nullopt;
  std::optional<RoundTrip> link;
  for (const auto& channel : channels_) {
    Stream& stream = channel->stream();
    auto round_trip = stream.round_trip();
    if (!round_trip.has_value()) continue;
    // One with nothing on its way has no queue. What it measured last tells of times that have passed.
    if (stream.bytes_unacknowledged() == 0) round_trip->smoothed_us = 0;
    if (!link.has_value()) {
      link = round_trip;
      continue;
    }
    // The link was busy only where all of them had data to send.
    const bool busy = link->delivery_rate > 0 && round_trip->delivery_rate > 0;
    link->delivery_rate = busy ? link->delivery_rate + round_trip->delivery_rate : 0;
    link->smoothed_us = std::max(link->smoothed_us, round_trip->smoothed_us);
    link->least_us = std::min(link->least_us, round_trip->least_us);
    link->acknowledged_bytes += round_trip->acknowledged_bytes;
    link->busy_us = std::max(link->busy_us, round_trip->busy_us);
  }
  if (link.has_value()) link->smoothed_us = std::max(link->smoothed_us, link->least_us);
  return link;
}

void PageSender::set_effort(const EffortPlan& plan) {
  pages_.effort.set(plan);
  const MutexLock lock(turn_mutex_);
  turn_came_.notify_all();
}

void PageSender::cancel() {
  cancelled_.store(true, std::memory_order_release);
  bucket_->cancel();
  for (const auto& channel : channels_) {
    channel->queue().cancel();
    channel->stream().shutdown();
  }
  const MutexLock lock(turn_mutex_);
  turn_came_.notify_all();
}

}  // namespace pageferry
