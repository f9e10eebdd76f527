// One direction of a relayed connection: what was read from one socket is written to the other, each byte
// no earlier than `delay` after it was read.
//
// Thread contract: single-threaded programs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "byte_queue.h"

namespace relay {

// Nanoseconds of the monotonic clock.
using Nanoseconds = std::int64_t;

struct Limits {
  Nanoseconds delay = 0;
  // Bytes on their way, at most: a link carries its rate × its delay.
  std::size_t in_flight = 0;
};

// An end of the connection. The sockets do not block; epoll tells each change once.
struct Socket {
  int fd = -1;
  bool readable = false;
  bool writable = false;
};

class Direction {
 public:
  Direction(Socket& from, Socket& to, BlockPool& pool, const Limits& limits)
      : from_(from), to_(to), limits_(limits), queue_(pool) {}

  // Reads and writes what can be, a bounded amount. Answers whether there is more to do right now.
  bool pump(Nanoseconds now);

  // When it has to be pumped again even if no socket changes.
  std::optional<Nanoseconds> due() const;

  // It passed everything on, the end of the stream too.
  bool finished() const { return finished_; }
  // A side was reset, and it is time for the other one to know.
  bool broken(Nanoseconds now) const { return broken_at_ && *broken_at_ <= now; }

 private:
  struct Segment {
    Nanoseconds due;
    std::size_t bytes;
  };

  bool has_space() const;
  bool read_some(Nanoseconds now);
  bool write_some(Nanoseconds now);
  // Nothing is left but the end. A socket that has taken everything is writable, unless it is still
  // connecting.
  bool is_at_end() const { return end_at_ && queue_.size() == 0 && to_.writable && !finished_; }
  void break_at(Nanoseconds when) {
    if (!broken_at_) broken_at_ = when;
  }

  Socket& from_;
  Socket& to_;
  const Limits& limits_;
  ByteQueue queue_;
  // Bytes that are not due yet, and how many before them are.
  std::deque<Segment> waiting_;
  std::size_t due_bytes_ = 0;
  std::optional<Nanoseconds> end_at_;
  std::optional<Nanoseconds> broken_at_;
  bool finished_ = false;
};

}  // namespace relay
