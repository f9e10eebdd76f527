#include "net/stream.h"

#include <climits>
#include <string>

#include "os/wait_for.h"

namespace pageferry {

namespace {

using Clock = std::chrono::steady_clock;

// Takes `bytes` off the front of the parts, and those that are empty then.
std::span<iovec> without(std::span<iovec> parts, std::size_t bytes) {
  while (!parts.empty() && bytes >= parts.front().iov_len) {
    bytes -= parts.front().iov_len;
    parts = parts.subspan(1);
  }
  if (bytes > 0) {
    parts.front().iov_base = static_cast<char*>(parts.front().iov_base) + bytes;
    parts.front().iov_len -= bytes;
  }
  return parts;
}

// Moves all of the parts by calls of `move`, which answers how much each has moved.
template <class Move>
Status move_all(std::span<iovec> parts, Move move) {
  parts = without(parts, 0);
  while (!parts.empty()) {
    const Result<std::size_t> moved = move(parts);
    if (!moved.ok()) return moved.status();
    parts = without(parts, moved.value());
  }
  return Status();
}

}  // namespace

Status Stream::send_all(std::span<iovec> parts) {
  return move_all(parts, [this](std::span<iovec> left) { return send_some(left, Wait::kForAll); });
}

Status Stream::send_all(const void* data, std::size_t bytes) {
  iovec part = {const_cast<void*>(data), bytes};
  return send_all(std::span(&part, 1));
}

Result<std::size_t> Stream::send_available(const void* data, std::size_t bytes) {
  if (bytes == 0) return std::size_t{0};
  iovec part = {const_cast<void*>(data), bytes};
  return send_some(std::span(&part, 1), Wait::kNo);
}

Status Stream::receive_all(std::span<iovec> parts) {
  return move_all(parts,
                  [this](std::span<iovec> left) { return receive_some(left, Wait::kForAll); });
}

Status Stream::receive_all(void* data, std::size_t bytes) {
  iovec part = {data, bytes};
  return receive_all(std::span(&part, 1));
}

Status Stream::receive_all_within(void* data, std::size_t bytes,
                                  std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  iovec part = {data, bytes};
  return move_all(std::span(&part, 1), [&](std::span<iovec> left) -> Result<std::size_t> {
    if (!holds_received()) {
      if (Status ready = wait_for_input(fd(), "receive", deadline); !ready.ok()) return ready;
    }
    return receive_some(left, Wait::kNo);
  });
}

Result<std::size_t> Stream::receive_available(void* data, std::size_t bytes) {
  if (bytes == 0) return std::size_t{0};
  iovec part = {data, bytes};
  return receive_some(std::span(&part, 1), Wait::kNo);
}

Result<std::size_t> Stream::receive_first(void* data, std::size_t bytes) {
  while (true) {
    iovec part = {data, bytes};
    const auto received = receive_some(std::span(&part, 1), Wait::kForSome);
    if (!received.ok() || received.value() > 0) return received;
  }
}

}  // namespace pageferry
