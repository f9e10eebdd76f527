// A small io_uring: entries are filled, submitted together, and waited for.
//
// Thread contract: one thread.
#pragma once

#include <linux/io_uring.h>

namespace baseline {

class IoRing {
 public:
  // Ends the program with the reason where the kernel refuses io_uring.
  explicit IoRing(unsigned entries);
  ~IoRing();
  IoRing(const IoRing&) = delete;
  IoRing& operator=(const IoRing&) = delete;

  // The next entry, all zero. At most `entries` before a submit().
  io_uring_sqe& next();
  io_uring_sqe& last() { return sqes_[(tail_ - 1) & mask_]; }
  void submit();
  // The next completion, waited for.
  io_uring_cqe wait();

 private:
  void* map(unsigned long offset, unsigned long bytes);

  int fd_;
  unsigned mask_ = 0;
  unsigned tail_ = 0;
  unsigned submitted_ = 0;
  unsigned* sq_tail_ = nullptr;
  io_uring_sqe* sqes_ = nullptr;
  unsigned* cq_head_ = nullptr;
  unsigned* cq_tail_ = nullptr;
  unsigned cq_mask_ = 0;
  io_uring_cqe* cqes_ = nullptr;
};

}  // namespace baseline
