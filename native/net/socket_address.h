// Addresses as the kernel's socket calls take and give them.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <string>
#include <vector>

#include "net/address.h"
#include "os/status.h"

namespace pageferry {

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t bytes = sizeof(storage);

  int family() const { return storage.ss_family; }
  sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// Every address that it stands for, at least one. Names are looked up, which may take seconds. kInvalidArgument for
// a name that has no address, and for a path that is too long for the kernel.
enum class Resolve : std::uint8_t { kToConnect, kToListen };
Result<std::vector<SocketAddress>> resolve(const Address& address, Resolve what_for);

// This end's, and the other end's.
Result<SocketAddress> local_address(int socket);
Result<SocketAddress> peer_address(int socket);

// Of an internet address.
TcpAddress to_tcp(const SocketAddress& address);

// True when the two are the same address, whatever their ports.
bool same_host(const SocketAddress& a, const SocketAddress& b);

}  // namespace pageferry
