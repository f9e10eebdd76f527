#include "tls/ciphertext.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace pageferry {

namespace {

// Uninitialised: every byte is written before it is read.
std::unique_ptr<std::byte[]> buffer(std::size_t bytes) {
  return std::unique_ptr<std::byte[]>(new std::byte[bytes]);
}

// The same content at the front of a buffer of another size.
void move_to(std::unique_ptr<std::byte[]>& bytes, std::size_t capacity, std::size_t begin,
             std::size_t end) {
  auto larger = buffer(capacity);
  std::memcpy(larger.get(), bytes.get() + begin, end - begin);
  bytes = std::move(larger);
}

}  // namespace

CiphertextInbox::CiphertextInbox(std::size_t capacity)
    : capacity_(capacity), bytes_(buffer(capacity)) {}

std::span<std::byte> CiphertextInbox::room() {
  if (begin_ > 0) {
    std::memmove(bytes_.get(), bytes_.get() + begin_, end_ - begin_);
    whole_ -= begin_;
    end_ -= begin_;
    begin_ = 0;
  }
  return {bytes_.get() + end_, capacity_ - end_};
}

void CiphertextInbox::received(std::size_t bytes) {
  end_ += bytes;
  find_whole();
}

void CiphertextInbox::find_whole() {
  while (end_ - whole_ >= kRecordHeaderBytes) {
    const std::byte* header = bytes_.get() + whole_;
    const std::size_t length = kRecordHeaderBytes + (std::to_integer<std::size_t>(header[3]) << 8) +
                               std::to_integer<std::size_t>(header[4]);
    // No record is that long. OpenSSL refuses it by its header; waiting for all of it would never end.
    if (length > kMaxRecordBytes) whole_ = end_;
    if (length > end_ - whole_) return;
    whole_ += length;
  }
}

std::size_t CiphertextInbox::take(void* into, std::size_t bytes) {
  const std::size_t taken = std::min(bytes, whole_ - begin_);
  std::memcpy(into, bytes_.get() + begin_, taken);
  begin_ += taken;
  return taken;
}

std::span<const std::byte> CiphertextInbox::held() const {
  return {bytes_.get() + begin_, end_ - begin_};
}

void CiphertextInbox::grow(std::size_t capacity) {
  move_to(bytes_, capacity, begin_, end_);
  capacity_ = capacity;
  whole_ -= begin_;
  end_ -= begin_;
  begin_ = 0;
}

CiphertextOutbox::CiphertextOutbox(std::size_t capacity)
    : capacity_(capacity), bytes_(buffer(capacity)) {}

std::size_t CiphertextOutbox::put(const void* from, std::size_t bytes) {
  const std::size_t taken = std::min(bytes, room());
  if (taken > capacity_ - end_) {
    std::memmove(bytes_.get(), bytes_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  std::memcpy(bytes_.get() + end_, from, taken);
  end_ += taken;
  return taken;
}

std::span<const std::byte> CiphertextOutbox::held() const {
  return {bytes_.get() + begin_, end_ - begin_};
}

void CiphertextOutbox::sent(std::size_t bytes) {
  begin_ += bytes;
  if (begin_ == end_) begin_ = end_ = 0;
}

void CiphertextOutbox::grow(std::size_t capacity) {
  move_to(bytes_, capacity, begin_, end_);
  capacity_ = capacity;
  end_ -= begin_;
  begin_ = 0;
}

}  // namespace pageferry
