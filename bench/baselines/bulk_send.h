// The ways in which Linux sends memory over a socket, to be compared.
//
// Thread contract: one thread.
#pragma once

#include <cstddef>
#include <string>

namespace baseline {

// Memory that is also a file, from which sendfile can send it.
struct FileMemory {
  std::byte* data;
  std::size_t bytes;
  int fd;
};

// Sends all of it in pieces of 1 MiB by `method`: send, zerocopy (MSG_ZEROCOPY), sendfile, io_uring, or
// io_uring-zerocopy. On return the kernel needs the memory no more.
void bulk_send(const std::string& method, int fd, const FileMemory& memory);

}  // namespace baseline
