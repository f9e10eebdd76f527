// Records of one page channel that are encoded and not yet sent: encoders put them in, the channel's thread takes them.
//
// Thread contract: everything from any thread. cancel() ends every wait, now and later.
#pragma once

#include <atomic>
#include <deque>
#include <optional>

#include "os/mutex.h"
#include "wire/record_writer.h"

namespace pageferry {

class RecordQueue {
 public:
  // Nothing is in it and it takes records again. Nobody uses it meanwhile.
  void open() EXCLUDES(mutex_);
  // Waits while there is as much in it as there may be, then takes what the record holds, which is empty on return.
  // False when cancelled.
  bool put(RecordWriter& record, std::uint64_t most_bytes) EXCLUDES(mutex_);
  // No more records come.
  void close() EXCLUDES(mutex_);
  // Waits for a record; nothing when none comes any more, or when cancelled.
  std::optional<RecordWriter> next() EXCLUDES(mutex_);
  // A record that was sent: its buffers are used again.
  void give_back(RecordWriter record) EXCLUDES(mutex_);
  void cancel() EXCLUDES(mutex_);

  // Read for each page that is encoded, so it takes no lock.
  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  mutable Mutex mutex_;
  Condition changed_;
  std::deque<RecordWriter> records_ GUARDED_BY(mutex_);
  std::deque<RecordWriter> empty_ GUARDED_BY(mutex_);
  std::atomic<std::uint64_t> bytes_{0};  // of records_, changed under mutex_
  bool closed_ GUARDED_BY(mutex_) = true;
  bool cancelled_ GUARDED_BY(mutex_) = false;
};

}  // namespace pageferry
