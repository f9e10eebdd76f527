#include "send/page_channel.h"

#include <algorithm>
#include <utility>

#include "channel/record_io.h"

namespace pageferry {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kMaxBatchBytes = 1u << 20;

std::uint64_t nanoseconds_since(Clock::time_point started) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - started).count());
}

}  // namespace

PageChannel::PageChannel(std::size_t number, StreamPtr stream, TokenBucket& bucket,
                         SourcePages& pages, SentPages& sent)
    : number_(number), stream_(std::move(stream)), bucket_(bucket), sent_(sent), encoder_(pages) {}

void PageChannel::begin(Use use) {
  sent_before_ = stream_->bytes_sent();
  batch_bytes_ = bucket_.batch_bytes(kMaxBatchBytes);
  waits_ = {};
  encoder_.begin(*this, use);
}

bool PageChannel::pay(std::uint64_t bytes) {
  if (prepaid_bytes_ == 0) {
    const auto started = Clock::now();
    const bool paid = bucket_.acquire(bytes);
    waits_.rate_ns += nanoseconds_since(started);
    return paid;
  }
  const std::uint64_t ahead = std::min(prepaid_bytes_, bytes);
  prepaid_bytes_ -= ahead;
  bucket_.charge(bytes - ahead);
  return true;
}

// Counts the pages of records that are in the socket: a migration that fails in the middle of one counts what it has sent.
Status PageChannel::take(RecordWriter& record) {
  if (record.empty()) return Status();
  if (!pay(record.wire_bytes())) return Status(StatusCode::kCancelled, "send");
  batch_bytes_ = bucket_.batch_bytes(kMaxBatchBytes);
  const wire::PagesByContent pages = record.pages();
  const auto started = Clock::now();
  Status sent = send_record(*stream_, record);
  waits_.socket_ns += nanoseconds_since(started);
  if (!sent.ok()) return sent;
  for (std::size_t row = 0; row < sent_.size(); ++row) {
    const std::uint64_t more = pages[wire::kContents[row].id];
    if (more > 0) sent_[row].fetch_add(more, std::memory_order_relaxed);
  }
  return sent;
}

Status PageChannel::send_queued() {
  while (true) {
    const auto started = Clock::now();
    auto record = queue_.next();
    waits_.encoder_ns += nanoseconds_since(started);
    if (!record.has_value()) return Status();
    if (Status sent = take(*record); !sent.ok()) return sent;
    queue_.give_back(std::move(*record));
  }
}

std::uint64_t PageChannel::prepay_batch() {
  refund();
  if (!bucket_.acquire(batch_bytes_)) return 0;
  prepaid_bytes_ = batch_bytes_;
  return std::max<std::uint64_t>(1, batch_bytes_ / kPageBytes);
}

void PageChannel::refund() { bucket_.refund(std::exchange(prepaid_bytes_, 0)); }

Status PageChannel::finish(std::uint64_t sync) {
  if (Status sent = encoder_.flush(); !sent.ok()) return sent;
  return send_header(*stream_, sync_record(sync));
}

}  // namespace pageferry
