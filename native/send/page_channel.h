// One page channel of a source: its stream, its share of the rate limit, and the encoder of its own thread.
//
// Thread contract: one thread at a time, but for stream() and unsent records of the queue.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <memory>

#include "net/stream.h"
#include "net/token_bucket.h"
#include "os/status.h"
#include "send/page_encoder.h"
#include "send/record_queue.h"

namespace pageferry {

// What all channels of a sender have sent, by content, as in wire::kContents.
using SentPages = std::array<std::atomic<std::uint64_t>, wire::kContents.size()>;

// Where the threads of a call were kept from sending.
struct Waits {
  std::uint64_t socket_ns = 0;   // in the system call that sends
  std::uint64_t rate_ns = 0;     // for the rate limit
  std::uint64_t encoder_ns = 0;  // for records to be encoded

  void add(const Waits& other) {
    socket_ns += other.socket_ns;
    rate_ns += other.rate_ns;
    encoder_ns += other.encoder_ns;
  }
};

class PageChannel final : public RecordSink {
 public:
  PageChannel(std::size_t number, StreamPtr stream, TokenBucket& bucket, SourcePages& pages,
              SentPages& sent);

  std::size_t number() const { return number_; }
  Stream& stream() const { return *stream_; }
  PageEncoder& encoder() { return encoder_; }
  RecordQueue& queue() { return queue_; }

  // The next call begins; the one before ended well.
  void begin(Use use);
  // Sends what others have encoded for this channel until they say that there is no more.
  Status send_queued();
  // Ends the call: whatever was added is sent, and this sync.
  Status finish(std::uint64_t sync);

  // Waits until the rate limit lets another batch out, and pays for it; answers its pages, 0 when
  // cancelled. What is paid for ahead waits for nothing but the socket once it is taken.
  std::uint64_t prepay_batch();
  void refund();

  // Of the call.
  std::uint64_t wire_bytes() const { return stream_->bytes_sent() - sent_before_; }
  const Waits& waits() const { return waits_; }

  // Sends the record.
  Status take(RecordWriter& record) override;
  std::uint64_t batch_bytes() const override { return batch_bytes_; }
  Slower slower() const override { return Slower::kUnknown; }

 private:
  bool pay(std::uint64_t bytes);

  const std::size_t number_;
  const StreamPtr stream_;
  TokenBucket& bucket_;
  SentPages& sent_;
  PageEncoder encoder_;
  RecordQueue queue_;
  std::uint64_t sent_before_ = 0;
  std::uint64_t batch_bytes_ = 0;
  std::uint64_t prepaid_bytes_ = 0;
  Waits waits_;
};

}  // namespace pageferry
