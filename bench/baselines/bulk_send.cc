#include "bulk_send.h"

#include <linux/errqueue.h>
#include <linux/io_uring.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "io_ring.h"
#include "loopback.h"

namespace baseline {

namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;
// Sends under way at once: linked, so that they stay in order.
constexpr unsigned kDepth = 4;

template <class Send>
void in_pieces(const FileMemory& memory, Send send) {
  for (std::size_t at = 0; at < memory.bytes; at += kPieceBytes) {
    send(at, std::min(kPieceBytes, memory.bytes - at));
  }
}

// Takes what the kernel says of finished zero-copy sends; answers how many sends that were.
std::size_t finished_sends(int fd, bool wait) {
  char control[128];
  msghdr message = {};
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  if (wait) wait_for_error(fd);
  if (::recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
    if (errno == EAGAIN) return 0;
    die("recvmsg of the error queue");
  }
  const auto* error =
      reinterpret_cast<const sock_extended_err*>(CMSG_DATA(CMSG_FIRSTHDR(&message)));
  if (error->ee_origin != SO_EE_ORIGIN_ZEROCOPY) die("an error that is none of a zero-copy send");
  return error->ee_data - error->ee_info + 1;
}

void send_zerocopy(int fd, const FileMemory& memory) {
  const int on = 1;
  if (::setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)) != 0) die("SO_ZEROCOPY");
  std::size_t under_way = 0;
  in_pieces(memory, [&](std::size_t at, std::size_t bytes) {
    while (bytes > 0) {
      const ssize_t sent = ::send(fd, memory.data + at, bytes, MSG_NOSIGNAL | MSG_ZEROCOPY);
      if (sent < 0 && errno == ENOBUFS) {  // Too many are not finished yet.
        under_way -= finished_sends(fd, true);
        continue;
      }
      if (sent <= 0) die("send with MSG_ZEROCOPY");
      ++under_way;
      at += static_cast<std::size_t>(sent);
      bytes -= static_cast<std::size_t>(sent);
      under_way -= finished_sends(fd, false);
    }
  });
  while (under_way > 0) under_way -= finished_sends(fd, true);
}

void send_file(int fd, const FileMemory& memory) {
  in_pieces(memory, [&](std::size_t at, std::size_t bytes) {
    auto offset = static_cast<off_t>(at);
    while (bytes > 0) {
      const ssize_t sent = ::sendfile(fd, memory.fd, &offset, bytes);
      if (sent <= 0) die("sendfile");
      bytes -= static_cast<std::size_t>(sent);
    }
  });
}

void send_by_ring(int fd, const FileMemory& memory, bool zerocopy) {
  IoRing ring(kDepth);
  std::size_t expected = 0;  // Bytes that the sends of this batch must report.
  unsigned queued = 0;
  const auto finish_batch = [&] {
    if (queued == 0) return;
    ring.last().flags &= static_cast<__u8>(~IOSQE_IO_LINK);
    unsigned open = queued;
    ring.submit();
    while (open > 0) {
      const io_uring_cqe done = ring.wait();
      if (done.res < 0) {
        errno = -done.res;
        die("a send by io_uring");
      }
      if (!(done.flags & IORING_CQE_F_NOTIF)) expected -= static_cast<std::size_t>(done.res);
      // A zero-copy send reports twice: sent, and the memory no longer needed.
      if (!(done.flags & IORING_CQE_F_MORE)) --open;
    }
    if (expected != 0) die("a send by io_uring was cut short");
    queued = 0;
  };
  in_pieces(memory, [&](std::size_t at, std::size_t bytes) {
    io_uring_sqe& send = ring.next();
    send.opcode = zerocopy ? IORING_OP_SEND_ZC : IORING_OP_SEND;
    send.fd = fd;
    send.addr = reinterpret_cast<std::uintptr_t>(memory.data + at);
    send.len = static_cast<__u32>(bytes);
    send.msg_flags = MSG_NOSIGNAL | MSG_WAITALL;
    send.flags = IOSQE_IO_LINK;
    expected += bytes;
    if (++queued == kDepth) finish_batch();
  });
  finish_batch();
}

}  // namespace

void bulk_send(const std::string& method, int fd, const FileMemory& memory) {
  if (method == "send") {
    in_pieces(memory,
              [&](std::size_t at, std::size_t bytes) { send_all(fd, memory.data + at, bytes); });
  } else if (method == "zerocopy") {
    send_zerocopy(fd, memory);
  } else if (method == "sendfile") {
    send_file(fd, memory);
  } else if (method == "io_uring" || method == "io_uring-zerocopy") {
    send_by_ring(fd, memory, method == "io_uring-zerocopy");
  } else {
    errno = EINVAL;
    die("--method " + method);
  }
}

}  // namespace baseline
