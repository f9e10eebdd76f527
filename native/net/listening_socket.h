// A socket that waits for connections. It has no thread: whoever polls it accepts.
//
// Thread contract: one thread.
#pragma once

#include <optional>
#include <string>

#include "net/address.h"
#include "net/socket_stream.h"
#include "os/status.h"
#include "os/unique_fd.h"

namespace pageferry {

struct Accepted {
  SocketStream stream;
  std::string
      peer;  // "address:port", or for a Unix-domain socket "unix:" and the process at its other end
  std::string host;  // the address alone, or the user of a Unix-domain socket
};

class ListeningSocket {
 public:
  // Port 0 takes a free one. A Unix-domain socket that nobody listens on any more is replaced, and only its owner
  // may connect to it; with EADDRINUSE when somebody does listen.
  static Result<ListeningSocket> open(const Address& address);
  ListeningSocket(ListeningSocket&&) = default;
  // Takes the name of a Unix-domain socket away.
  ~ListeningSocket();

  int fd() const { return fd_.get(); }
  // As it was given, with the port that it has.
  const Address& address() const { return address_; }

  // The next connection that waits, if one does. Fails when the system has no descriptor or no memory left for it.
  Result<std::optional<Accepted>> accept();

 private:
  ListeningSocket(UniqueFd fd, Address address)
      : fd_(std::move(fd)), address_(std::move(address)) {}

  UniqueFd fd_;
  Address address_;
};

}  // namespace pageferry
