#include "pump/page_sender.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "channel/record_io.h"
#include "codec/zero_page.h"
#include "os/contained.h"
#include "wire/record_writer.h"

namespace pageferry {

namespace {

using Clock = std::chrono::steady_clock;

// So many pages are sent by one thread over all channels sooner than another thread is awake.
constexpr std::uint64_t kFewPages = 128;

}  // namespace

void SendStats::add(const SendStats& other) {
  pages.add(other.pages);
  pages_skipped += other.pages_skipped;
  wire_bytes += other.wire_bytes;
}

// One page channel: encodes its share of a call into records and sends them.
class PageSender::Channel {
 public:
  Channel(PageSender& sender, std::size_t number)
      : sender_(sender), number_(number), stream_(*sender.streams_[number]) {}

  std::size_t number() const { return number_; }
  // The next call begins; the one before ended well.
  void begin() {
    sent_before_ = stream_.bytes_sent();
    batch_bytes_ = rate_share();
    reported_ = {};
    stats_ = {};
  }
  SendStats stats() const {
    SendStats stats = stats_;
    stats.wire_bytes = stream_.bytes_sent() - sent_before_;
    return stats;
  }

  Status add_page(const Region& region, PageIndex page) {
    if (writer_.full(region.page_bytes) || writer_.payload_bytes() >= batch_bytes_) {
      if (Status sent = flush(); !sent.ok()) return sent;
    }
    const bool new_region = page == region.first_page;
    const std::byte* data = sender_.memory_->page_to_read(page);
    const std::span bytes(data, region.page_bytes);
    if (is_zero_page(bytes)) {
      writer_.add_zero(page, new_region);
      if (sender_.with_content_.test(page)) sender_.with_content_.clear(page);
      ++stats_.pages[wire::kContentZero];
      return Status();
    }
    sender_.with_content_.set(page);
    if (!add_encoded(page, bytes)) {
      writer_.add_raw(page, data, region.page_bytes, new_region);
      ++stats_.pages[wire::kContentRaw];
    }
    return Status();
  }

  Status add_missing(PageRange run, const PageBitmap& missing) {
    if (writer_.full(kPageBytes)) {
      if (Status sent = flush(); !sent.ok()) return sent;
    }
    std::array<std::byte, wire::kStripePages / 8> bitmap = {};
    const std::uint64_t count = missing.count(run);
    if (count == 0) return Status();
    if (count == run.count) {
      writer_.add_missing(run, {});
      return Status();
    }
    missing.for_each_run(run, [&](PageRange part) {
      for (PageIndex page = part.first; page < part.end(); ++page) {
        const std::uint64_t bit = page - run.first;
        bitmap[bit / 8] |= std::byte{1} << (bit % 8);
      }
    });
    writer_.add_missing(run, std::span(bitmap).first((run.count + 7) / 8));
    return Status();
  }

  // Waits until the rate limit lets another batch out, and pays for it; answers its pages, 0 when
  // cancelled. What is paid for ahead waits for nothing but the socket once it is taken.
  std::uint64_t prepay_batch() {
    refund();
    if (!sender_.bucket_->acquire(batch_bytes_)) return 0;
    prepaid_bytes_ = batch_bytes_;
    return std::max<std::uint64_t>(1, batch_bytes_ / kPageBytes);
  }
  void refund() { sender_.bucket_->refund(std::exchange(prepaid_bytes_, 0)); }

  void count_skipped() { ++stats_.pages_skipped; }

  Status flush() {
    if (writer_.empty()) return Status();
    if (!pay(writer_.wire_bytes())) return Status(StatusCode::kCancelled, "send");
    batch_bytes_ = rate_share();
    if (Status sent = send_record(stream_, writer_); !sent.ok()) return sent;
    report_pages();
    return Status();
  }

  Status finish(std::uint64_t sync) {
    if (Status sent = flush(); !sent.ok()) return sent;
    return send_header(stream_, sync_record(sync));
  }

 private:
  static constexpr std::uint64_t kMaxBatchBytes = 1u << 20;

  bool pay(std::uint64_t bytes) {
    if (prepaid_bytes_ == 0) return sender_.bucket_->acquire(bytes);
    const std::uint64_t ahead = std::min(prepaid_bytes_, bytes);
    prepaid_bytes_ -= ahead;
    sender_.bucket_->charge(bytes - ahead);
    return true;
  }

  // Of the records that are in the socket: a migration that fails in the middle of one counts what it has sent.
  void report_pages() {
    for (std::size_t row = 0; row < sender_.sent_.size(); ++row) {
      const std::uint8_t content = wire::kContents[row].id;
      const std::uint64_t more = stats_.pages[content] - reported_[content];
      if (more > 0) sender_.sent_[row].fetch_add(more, std::memory_order_relaxed);
    }
    reported_ = stats_.pages;
  }

  std::uint64_t rate_share() const { return sender_.bucket_->batch_bytes(kMaxBatchBytes); }

  bool add_encoded(PageIndex page, std::span<const std::byte> bytes) {
    if (sender_.codec_ == nullptr) return false;
    const auto room = writer_.encode_room(bytes.size()).first(bytes.size() - 1);
    const auto length = sender_.codec_->encode(bytes, room);
    if (!length.has_value()) return false;
    const auto content = static_cast<std::uint8_t>(sender_.codec_->id());
    writer_.add_encoded(page, content, static_cast<std::uint32_t>(*length));
    ++stats_.pages[content];
    return true;
  }

  PageSender& sender_;
  const std::size_t number_;
  Stream& stream_;
  std::uint64_t sent_before_ = 0;
  RecordWriter writer_;
  std::uint64_t batch_bytes_ = 0;
  std::uint64_t prepaid_bytes_ = 0;
  SendStats stats_;
  wire::PagesByContent reported_;  // what progress() counts of them
};

Result<std::unique_ptr<PageSender>> PageSender::create(std::shared_ptr<GuestMemory> memory,
                                                       std::vector<StreamPtr> channels,
                                                       std::shared_ptr<TokenBucket> bucket,
                                                       const PageCodec* codec) {
  std::unique_ptr<PageSender> sender(
      new PageSender(std::move(memory), std::move(channels), std::move(bucket), codec));
  auto threads = ChannelThreads::start(sender->streams_.size());
  if (!threads.ok()) return threads.status();
  sender->threads_ = std::move(threads.value());
  return sender;
}

PageSender::PageSender(std::shared_ptr<GuestMemory> memory, std::vector<StreamPtr> channels,
                       std::shared_ptr<TokenBucket> bucket, const PageCodec* codec)
    : memory_(std::move(memory)),
      streams_(std::move(channels)),
      bucket_(std::move(bucket)),
      codec_(codec),
      with_content_(memory_->page_count()) {
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    channels_.push_back(std::make_unique<Channel>(*this, i));
  }
}

PageSender::~PageSender() { cancel(); }

template <class Work>
void PageSender::begin(Work work, OnSent on_sent) {
  threads_->begin([work = std::move(work), on_sent = std::move(on_sent)]() mutable {
    on_sent(contained([&]() -> Result<SendStats> { return work(); }));
  });
}

// Runs `body(channel)` for each channel on its thread, then ends each with the next sync. Few pages need
// no thread but this one, which then takes the channels in order.
template <class Body>
Result<SendStats> PageSender::on_every_channel(std::uint64_t pages, Body body) {
  const auto started = Clock::now();
  const std::uint64_t sync = sync_.load() + 1;
  std::vector<Status> outcomes(channels_.size());
  const auto run = [&](std::size_t i) {
    Channel& channel = *channels_[i];
    outcomes[i] = contained([&] {
      channel.begin();
      Status sent = body(channel);
      return sent.ok() ? channel.finish(sync) : sent;
    });
    // The others would only send into a migration that has failed.
    if (!outcomes[i].ok()) cancel();
  };
  if (pages <= kFewPages) {
    for (std::size_t i = 0; i < channels_.size(); ++i) run(i);
  } else {
    threads_->spread(run);
  }

  SendStats stats;
  for (const auto& channel : channels_) stats.add(channel->stats());
  stats.nanoseconds = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - started).count());
  // The failure that came first is the reason; kCancelled on another channel is its consequence.
  const auto is_reason = [](const Status& status) {
    return !status.ok() && status.code() != StatusCode::kCancelled;
  };
  if (const auto reason = std::ranges::find_if(outcomes, is_reason); reason != outcomes.end()) {
    return *reason;
  }
  for (const Status& outcome : outcomes) {
    if (!outcome.ok()) return outcome;
  }
  sync_.store(sync, std::memory_order_release);
  return stats;
}

// Calls visit(region, part) for each part of a stripe of this channel that holds a page of the set.
template <class Visit>
Status PageSender::for_each_stripe(std::size_t channel, const PageBitmap& pages, Visit visit) {
  const PageIndex end = pages.page_count();
  Status failure;
  for (PageIndex at = pages.next_set(0, end); at < end && failure.ok();) {
    const std::uint64_t stripe = at / wire::kStripePages;
    const PageIndex stripe_end = std::min(end, (stripe + 1) * wire::kStripePages);
    if (wire::channel_of_stripe(stripe, channels_.size()) == channel) {
      memory_->for_each_region({at, stripe_end - at}, [&](const Region& region, PageRange part) {
        if (failure.ok()) failure = visit(region, part);
      });
    }
    if (cancelled_.load(std::memory_order_relaxed)) return Status(StatusCode::kCancelled, "send");
    at = pages.next_set(stripe_end, end);
  }
  return failure;
}

void PageSender::send_round(const PageBitmap& pages, DirtyTracker* skip_hot, OnSent on_sent) {
  begin([this, &pages, skip_hot] { return round(pages, skip_hot); }, std::move(on_sent));
}

Result<SendStats> PageSender::round(const PageBitmap& pages, DirtyTracker* skip_hot) {
  return on_every_channel(pages.count(),
                          [&](Channel& channel) { return send_stripes(channel, pages, skip_hot); });
}

// Sends the pages of the stripes that belong to this channel.
Status PageSender::send_stripes(Channel& channel, const PageBitmap& pages, DirtyTracker* skip_hot) {
  PageBitmap hot(skip_hot != nullptr ? pages.page_count() : 0);
  return for_each_stripe(channel.number(), pages, [&](const Region& region, PageRange stripe) {
    if (skip_hot != nullptr) {
      if (Status peeked = skip_hot->peek(stripe, hot); !peeked.ok()) return peeked;
    }
    Status failure;
    pages.for_each_run(stripe, [&](PageRange run) {
      for (PageIndex page = run.first; failure.ok() && page < run.end(); ++page) {
        if (skip_hot != nullptr && hot.test(page)) {
          channel.count_skipped();
        } else {
          failure = channel.add_page(region, page);
        }
      }
    });
    return failure;
  });
}

void PageSender::announce_missing(const PageBitmap& missing, OnSent on_sent) {
  begin([this, &missing] { return announcement(missing); }, std::move(on_sent));
}

Result<SendStats> PageSender::announcement(const PageBitmap& missing) {
  return on_every_channel(missing.count(), [&](Channel& channel) {
    return for_each_stripe(channel.number(), missing, [&](const Region&, PageRange stripe) {
      return channel.add_missing(stripe, missing);
    });
  });
}

void PageSender::final_round(PageBitmap& pages, DirtyTracker* tracker, FinalRound what,
                             OnSent on_sent) {
  begin(
      [this, &pages, tracker, what]() -> Result<SendStats> {
        Status found =
            tracker != nullptr ? tracker->peek(pages.all(), pages) : memory_->find_populated(pages);
        if (found.ok()) found = memory_->find_holes(with_content_, pages);
        if (!found.ok()) return found;
        return what == FinalRound::kSend ? round(pages, nullptr) : announcement(pages);
      },
      std::move(on_sent));
}

void PageSender::push(ResidualSet& residual, PushWidth& width, OnSent on_sent) {
  // The guest runs at the other end, and needs cores there while it waits for pages.
  const std::size_t always = std::max<std::size_t>(1, channels_.size() / 2);
  const auto push_on = [this, &residual, &width, always](Channel& channel) {
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
  begin([this, &residual, push_on] { return on_every_channel(residual.pages().count(), push_on); },
        std::move(on_sent));
}

// Takes pages from the set and sends them until there is none, or may_go_on() answers false.
template <class MayGoOn>
Status PageSender::push_stretches(Channel& channel, ResidualSet& residual, MayGoOn may_go_on) {
  Status failure;
  while (failure.ok() && may_go_on()) {
    // Waited for before any page is taken: a page that was taken and lies in our buffer is one that a
    // guest thread asks for in vain, and that then travels twice.
    const std::uint64_t pages = channel.prepay_batch();
    if (pages == 0) return Status(StatusCode::kCancelled, "push");
    const PageRange stretch = residual.next_stretch(pages);
    if (stretch.count == 0) {
      channel.refund();
      return Status();
    }
    memory_->for_each_region(stretch, [&](const Region& region, PageRange part) {
      residual.pages().for_each_run(part, [&](PageRange run) {
        for (PageIndex page = run.first; failure.ok() && page < run.end(); ++page) {
          if (residual.pages().take(page)) failure = channel.add_page(region, page);
        }
      });
    });
    if (failure.ok()) failure = channel.flush();
    if (cancelled_.load(std::memory_order_relaxed)) {
      failure = Status(StatusCode::kCancelled, "push");
    }
  }
  return failure;
}

PageSender::Progress PageSender::progress() const {
  Progress progress = {.pages = {}, .wire_bytes = 0};
  for (std::size_t row = 0; row < sent_.size(); ++row) {
    progress.pages[wire::kContents[row].id] = sent_[row].load(std::memory_order_relaxed);
  }
  for (const StreamPtr& stream : streams_) progress.wire_bytes += stream->bytes_sent();
  return progress;
}

std::uint64_t PageSender::unacknowledged_bytes() const {
  std::uint64_t bytes = 0;
  for (const StreamPtr& stream : streams_) bytes += stream->bytes_unacknowledged();
  return bytes;
}

std::optional<RoundTrip> PageSender::link() const {
  if (streams_.front()->peer_is_local()) return std::nullopt;
  std::optional<RoundTrip> link;
  for (const StreamPtr& stream : streams_) {
    auto round_trip = stream->round_trip();
    if (!round_trip.has_value()) continue;
    // One with nothing on its way has no queue. What it measured last tells of times that have passed.
    if (stream->bytes_unacknowledged() == 0) round_trip->smoothed_us = 0;
    if (!link.has_value()) {
      link = round_trip;
      continue;
    }
    link->smoothed_us = std::max(link->smoothed_us, round_trip->smoothed_us);
    link->least_us = std::min(link->least_us, round_trip->least_us);
    link->acknowledged_bytes += round_trip->acknowledged_bytes;
  }
  if (link.has_value()) link->smoothed_us = std::max(link->smoothed_us, link->least_us);
  return link;
}

void PageSender::cancel() {
  cancelled_.store(true, std::memory_order_release);
  bucket_->cancel();
  for (const StreamPtr& stream : streams_) stream->shutdown();
}

}  // namespace pageferry
