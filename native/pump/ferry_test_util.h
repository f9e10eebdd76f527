// A source and a destination in one process, with real loopback TCP between them. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "net/socket_test_util.h"
#include "pump/page_receiver.h"
#include "pump/page_sender.h"
#include "region/guest_test_util.h"

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

struct FerryOptions {
  std::vector<std::uint64_t> region_pages;
  std::uint32_t channels = 1;
  Backing source = Backing::kShared;
  Backing destination = Backing::kShared;
  std::uint64_t rate = 0;  // bytes per second; 0: no limit
  const PageCodec* codec = nullptr;
};

// Page channels between two guests.
class Ferry {
 public:
  explicit Ferry(const FerryOptions& options)
      : source_(make_guest(options.source, options.region_pages)),
        destination_(make_guest(options.destination, options.region_pages)),
        arriving_(std::make_shared<ArrivingMemory>(destination_.memory)),
        bucket_(std::make_shared<TokenBucket>(options.rate)),
        receiver_(
            std::make_unique<PageReceiver>(arriving_, options.channels, failures_.callback())) {
    std::vector<Socket> sending;
    for (std::uint32_t i = 0; i < options.channels; ++i) {
      auto pair = connect_pair();
      sending.push_back(std::move(pair.near));
      EXPECT_TRUE(receiver_->add_channel(i, std::move(pair.far)).ok());
    }
    sender_ =
        std::make_unique<PageSender>(source_.memory, std::move(sending), bucket_, options.codec);
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
    return ferry([&](PageSender& sender) { return sender.send_round(pages, skip_hot); });
  }
  SendStats ferry_missing(const PageBitmap& missing) {
    return ferry([&](PageSender& sender) { return sender.announce_missing(missing); });
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
