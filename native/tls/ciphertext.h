// Ciphertext on its way between OpenSSL and the socket, in buffers that hold several records, so that one system
// call moves them all.
//
// Not thread-safe.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace pageferry {

// Of one TLS record (RFC 8446, 5.1 and 5.2).
constexpr std::size_t kRecordHeaderBytes = 5;
constexpr std::size_t kMaxPlaintextBytes = 16384;
constexpr std::size_t kMaxRecordBytes = kRecordHeaderBytes + kMaxPlaintextBytes + 256;

// What came from the socket. It gives out whole records only: so OpenSSL never keeps a part of one, and
// has_whole() says whether there is anything to be had without the socket.
class CiphertextInbox {
 public:
  // At least kMaxRecordBytes.
  explicit CiphertextInbox(std::size_t capacity);

  // Where to receive into. Not empty as long as all whole records have been taken.
  std::span<std::byte> room();
  void received(std::size_t bytes);

  bool has_whole() const { return begin_ < whole_; }
  // Takes at most so much out of whole records, and answers how much; 0 when there is none.
  std::size_t take(void* into, std::size_t bytes);

  // What has come and not been taken, whole or not.
  std::span<const std::byte> held() const;
  void grow(std::size_t capacity);

 private:
  void find_whole();

  std::size_t capacity_;
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t begin_ = 0;
  std::size_t whole_ = 0;  // where the whole records end
  std::size_t end_ = 0;
};

// What is to go to the socket.
class CiphertextOutbox {
 public:
  explicit CiphertextOutbox(std::size_t capacity);

  // Takes at most so much, and answers how much; 0 when it is full.
  std::size_t put(const void* from, std::size_t bytes);
  std::size_t room() const { return capacity_ - (end_ - begin_); }

  bool empty() const { return begin_ == end_; }
  std::span<const std::byte> held() const;
  void sent(std::size_t bytes);
  void grow(std::size_t capacity);

 private:
  std::size_t capacity_;
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace pageferry
