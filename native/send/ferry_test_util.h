// A source and a destination in one process, with real loopback TCP between them. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "channel/channel_test_util.h"
#include "net/stream_test_util.h"
#include "receive/page_receiver.h"
#include "region/guest_test_util.h"
#include "send/page_sender.h"

namespace pageferry::testing {

// Keeps what a callback is told.
class StatusLog {
 public:
  std::function<void(Status)> callback() {
    return [told = told_](Status status) {
      const std::lock_guard lock(told->mutex);
      told->statuses.push_back(std::move(status));
      told->changed.notify_all();
    };
  }
  // Waits for the first one.
  Status first() const {
    std::unique_lock lock(told_->mutex);
    told_->changed.wait(lock, [&] { return !told_->statuses.empty(); });
    return told_->statuses.front();
  }
  std::size_t count() const {
    const std::lock_guard lock(told_->mutex);
    return told_->statuses.size();
  }

 private:
  struct Told {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<Status> statuses;
  };
  // The callback may outlive the log.
  std::shared_ptr<Told> told_ = std::make_shared<Told>();
};

// Waits for what PageReceiver::when_reached tells.
inline Status wait_sync(PageReceiver& receiver, std::uint64_t number) {
  StatusLog outcome;
  receiver.when_reached(number, outcome.callback());
  return outcome.first();
}

// Begins a call of a PageSender and waits for what comes of it.
template <class Begin>
Result<SendStats> outcome_of(Begin begin) {
  const auto outcome = std::make_shared<std::promise<Result<SendStats>>>();
  begin([outcome](Result<SendStats> sent) { outcome->set_value(std::move(sent)); });
  return outcome->get_future().get();
}
inline Result<SendStats> send_round(PageSender& sender, const PageBitmap& pages,
                                    DirtyTracker* skip_hot = nullptr) {
  return outcome_of([&](auto on_sent) { sender.send_round(pages, skip_hot, on_sent); });
}
inline Result<SendStats> announce_missing(PageSender& sender, const PageBitmap& missing) {
  return outcome_of([&](auto on_sent) { sender.announce_missing(missing, on_sent); });
}
inline Result<SendStats> final_round(PageSender& sender, PageBitmap& pages, DirtyTracker* tracker,
                                     PageSender::FinalRound what) {
  return outcome_of([&](auto on_sent) { sender.final_round(pages, tracker, what, on_sent); });
}
inline Result<SendStats> push(PageSender& sender, ResidualSet& residual, PushWidth& width) {
  return outcome_of([&](auto on_sent) { sender.push(residual, width, on_sent); });
}

// Whatever the queue: blocks of 16 pages by this encoding, by so many encoders.
inline PageSender::Options in_blocks(Encoding encoding, std::size_t encoders = 0) {
  const Rung rung = {
      .method = Method::kBlocks, .encoding = encoding, .level = 1, .block_pages = 16};
  return {.effort = {.lower = rung,
                     .upper = rung,
                     .deltas = Deltas::kNone,
                     .encoders = static_cast<std::uint8_t>(encoders),
                     .queue_units = 16},
          .encoders = encoders,
          .encoder_nice = 0,
          .version_bytes = 0};
}

// A PageSender over these sockets, which there are threads for.
inline std::unique_ptr<PageSender> make_sender(
    std::shared_ptr<GuestMemory> memory, std::vector<SocketStream> sockets,
    std::shared_ptr<TokenBucket> bucket = std::make_shared<TokenBucket>(),
    const PageSender::Options& options = {}) {
  auto sender =
      PageSender::create(std::move(memory), owned(std::move(sockets)), std::move(bucket), options);
  EXPECT_TRUE(sender.ok()) << sender.status().message();
  return std::move(sender.value());
}

struct FerryOptions {
  std::vector<std::uint64_t> region_pages;
  std::uint32_t channels = 1;
  Backing source = Backing::kShared;
  Backing destination = Backing::kShared;
  std::uint64_t rate = 0;  // bytes per second; 0: no limit
  PageSender::Options sending = {};
};

// Page channels between two guests.
class Ferry {
 public:
  explicit Ferry(const FerryOptions& options)
      : source_(make_guest(options.source, options.region_pages)),
        destination_(make_guest(options.destination, options.region_pages)),
        arriving_(std::make_shared<ArrivingMemory>(destination_.memory)),
        bucket_(std::make_shared<TokenBucket>(options.rate)),
        receiver_(std::make_unique<PageReceiver>(arriving_, options.channels,
                                                 wire::ContentSet::all(), failures_.callback())) {
    std::vector<SocketStream> sending;
    for (std::uint32_t i = 0; i < options.channels; ++i) {
      auto pair = connect_pair();
      sending.push_back(std::move(pair.near));
      EXPECT_TRUE(receiver_->add_channel(i, owned(std::move(pair.far))).ok());
    }
    sender_ = make_sender(source_.memory, std::move(sending), bucket_, options.sending);
  }

  const GuestMemory& source() const { return *source_.memory; }
  const std::shared_ptr<GuestMemory>& shared_source() const { return source_.memory; }
  const GuestMemory& destination() const { return *destination_.memory; }
  const std::shared_ptr<ArrivingMemory>& arriving() const { return arriving_; }
  // Lets go of the destination's arriving memory, as its owner does at the end.
  void drop_arriving() {
    receiver_.reset();
    arriving_.reset();
  }
  PageSender& sender() { return *sender_; }
  PageReceiver& receiver() { return *receiver_; }
  TokenBucket& bucket() { return *bucket_; }
  StatusLog& failures() { return failures_; }

  // Sends what `send` sends and waits until it has arrived.
  template <class Send>
  SendStats ferry(Send send) {
    const Result<SendStats> sent = send(*sender_);
    EXPECT_TRUE(sent.ok()) << sent.status().message();
    if (!sent.ok()) return {};
    const Status reached = wait_sync(*receiver_, sender_->last_sync());
    EXPECT_TRUE(reached.ok()) << reached.message();
    return sent.value();
  }
  SendStats ferry_round(const PageBitmap& pages, DirtyTracker* skip_hot = nullptr) {
    return ferry([&](PageSender& sender) { return send_round(sender, pages, skip_hot); });
  }
  SendStats ferry_missing(const PageBitmap& missing) {
    return ferry([&](PageSender& sender) { return announce_missing(sender, missing); });
  }

 private:
  TestGuest source_;
  TestGuest destination_;
  std::shared_ptr<ArrivingMemory> arriving_;
  std::shared_ptr<TokenBucket> bucket_;
  StatusLog failures_;
  std::unique_ptr<PageReceiver> receiver_;
  std::unique_ptr<PageSender> sender_;
};

}  // namespace pageferry::testing
