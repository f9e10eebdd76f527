#include "direction.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace relay {

namespace {

// Bytes that are due and that the receiver does not take. More would be a queue that no link has, and
// everything behind it late.
constexpr std::size_t kMostDueBytes = std::size_t{1} << 20;

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }

}  // namespace

bool Direction::has_space() const {
  return due_bytes_ < kMostDueBytes && queue_.size() < limits_.in_flight;
}

bool Direction::read_some(Nanoseconds now) {
  if (!from_.readable || end_at_ || broken_at_ || !has_space()) return false;
  const auto space = queue_.space();
  const ssize_t got = ::recv(from_.fd, space.data(), space.size(), 0);
  if (got > 0) {
    const auto bytes = static_cast<std::size_t>(got);
    queue_.added(bytes);
    waiting_.push_back({now + limits_.delay, bytes});
    return true;
  }
  if (got < 0 && errno == EINTR) return true;
  from_.readable = false;
  if (got == 0) {
    end_at_ = now + limits_.delay;
  } else if (!would_block()) {
    break_at(now + limits_.delay);
  }
  return false;
}

bool Direction::write_some(Nanoseconds now) {
  if (!to_.writable || due_bytes_ == 0) return false;
  const auto front = queue_.front();
  const std::size_t most = std::min(front.size(), due_bytes_);
  const ssize_t put = ::send(to_.fd, front.data(), most, MSG_NOSIGNAL);
  if (put > 0) {
    queue_.removed(static_cast<std::size_t>(put));
    due_bytes_ -= static_cast<std::size_t>(put);
    return true;
  }
  if (put < 0 && errno == EINTR) return true;
  to_.writable = false;
  // Whoever reads from `to_` next would see an ordinary end: the error is told only once.
  if (!would_block()) break_at(now + limits_.delay);
  return false;
}

bool Direction::pump(Nanoseconds now) {
  while (!waiting_.empty() && waiting_.front().due <= now) {
    due_bytes_ += waiting_.front().bytes;
    waiting_.pop_front();
  }
  const bool has_written = write_some(now);
  const bool has_read = read_some(now);
  if (is_at_end() && *end_at_ <= now) {
    ::shutdown(to_.fd, SHUT_WR);
    finished_ = true;
  }
  return has_written || has_read;
}

std::optional<Nanoseconds> Direction::due() const {
  std::optional<Nanoseconds> next;
  const auto consider = [&](Nanoseconds when) { next = next ? std::min(*next, when) : when; };
  if (!waiting_.empty()) consider(waiting_.front().due);
  if (is_at_end()) consider(*end_at_);
  if (broken_at_) consider(*broken_at_);
  return next;
}

}  // namespace relay
