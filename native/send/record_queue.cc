#include "send/record_queue.h"

#include <utility>

namespace pageferry {

void RecordQueue::open() {
  const MutexLock lock(mutex_);
  closed_ = false;
}

// A queue that holds nothing takes any record: one that is larger than all of the queue would wait for ever.
bool RecordQueue::put(RecordWriter& record, std::uint64_t most_bytes) {
  MutexLock lock(mutex_);
  const std::uint64_t bytes = record.wire_bytes();
  while (bytes_ > 0 && bytes_ + bytes > most_bytes && !cancelled_) changed_.wait(lock);
  if (cancelled_) return false;
  bytes_ += bytes;
  RecordWriter next;
  if (!empty_.empty()) {
    next = std::move(empty_.back());
    empty_.pop_back();
  }
  records_.push_back(std::exchange(record, std::move(next)));
  changed_.notify_all();
  return true;
}

void RecordQueue::close() {
  const MutexLock lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

std::optional<RecordWriter> RecordQueue::next() {
  MutexLock lock(mutex_);
  while (records_.empty() && !closed_ && !cancelled_) changed_.wait(lock);
  if (records_.empty() || cancelled_) return std::nullopt;
  RecordWriter record = std::move(records_.front());
  records_.pop_front();
  bytes_ -= record.wire_bytes();
  changed_.notify_all();
  return record;
}

void RecordQueue::give_back(RecordWriter record) {
  record.clear();
  const MutexLock lock(mutex_);
  empty_.push_back(std::move(record));
}

void RecordQueue::cancel() {
  const MutexLock lock(mutex_);
  cancelled_ = true;
  changed_.notify_all();
}

}  // namespace pageferry
