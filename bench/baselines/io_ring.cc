#include "io_ring.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "loopback.h"

namespace baseline {

void* IoRing::map(unsigned long offset, unsigned long bytes) {
  void* mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd_,
                        static_cast<off_t>(offset));
  if (mapped == MAP_FAILED) die("mapping io_uring");
  return mapped;
}

IoRing::IoRing(unsigned entries) {
  io_uring_params params = {};
  fd_ = static_cast<int>(::syscall(SYS_io_uring_setup, entries, &params));
  if (fd_ < 0) die("io_uring_setup");
  auto* sq = static_cast<char*>(
      map(IORING_OFF_SQ_RING, params.sq_off.array + params.sq_entries * sizeof(unsigned)));
  auto* cq = static_cast<char*>(
      map(IORING_OFF_CQ_RING, params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe)));
  sqes_ =
      static_cast<io_uring_sqe*>(map(IORING_OFF_SQES, params.sq_entries * sizeof(io_uring_sqe)));
  mask_ = params.sq_entries - 1;
  sq_tail_ = reinterpret_cast<unsigned*>(sq + params.sq_off.tail);
  // Entries are always taken in the order of the ring.
  auto* order = reinterpret_cast<unsigned*>(sq + params.sq_off.array);
  for (unsigned i = 0; i < params.sq_entries; ++i) order[i] = i;
  cq_head_ = reinterpret_cast<unsigned*>(cq + params.cq_off.head);
  cq_tail_ = reinterpret_cast<unsigned*>(cq + params.cq_off.tail);
  cq_mask_ = params.cq_entries - 1;
  cqes_ = reinterpret_cast<io_uring_cqe*>(cq + params.cq_off.cqes);
}

IoRing::~IoRing() { ::close(fd_); }

io_uring_sqe& IoRing::next() {
  io_uring_sqe& entry = sqes_[tail_++ & mask_];
  entry = {};
  return entry;
}

void IoRing::submit() {
  std::atomic_ref(*sq_tail_).store(tail_, std::memory_order_release);
  while (submitted_ != tail_) {
    const long taken = ::syscall(SYS_io_uring_enter, fd_, tail_ - submitted_, 0, 0, nullptr, 0);
    if (taken < 0 && errno != EINTR) die("io_uring_enter");
    if (taken > 0) submitted_ += static_cast<unsigned>(taken);
  }
}

io_uring_cqe IoRing::wait() {
  const unsigned head = *cq_head_;
  while (std::atomic_ref(*cq_tail_).load(std::memory_order_acquire) == head) {
    const long waited =
        ::syscall(SYS_io_uring_enter, fd_, 0, 1, IORING_ENTER_GETEVENTS, nullptr, 0);
    if (waited < 0 && errno != EINTR) die("io_uring_enter");
  }
  const io_uring_cqe done = cqes_[head & cq_mask_];
  std::atomic_ref(*cq_head_).store(head + 1, std::memory_order_release);
  return done;
}

}  // namespace baseline
