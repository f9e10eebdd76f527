#include "net/socket_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <cstddef>
#include <cstring>
#include <memory>

namespace pageferry {

namespace {

const sockaddr_in& as_v4(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr_in&>(address.storage);
}

const sockaddr_in6& as_v6(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr_in6&>(address.storage);
}

Result<std::vector<SocketAddress>> resolve_tcp(const TcpAddress& address, Resolve what_for) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  if (what_for == Resolve::kToListen) hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int error =
      ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (error != 0) {
    return Status(StatusCode::kInvalidArgument,
                  "no address for " + address.host + ": " + gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  std::vector<SocketAddress> addresses;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    SocketAddress one = {.bytes = at->ai_addrlen};
    std::memcpy(&one.storage, at->ai_addr, at->ai_addrlen);
    addresses.push_back(one);
  }
  return addresses;
}

Result<std::vector<SocketAddress>> resolve_unix(const UnixAddress& address) {
  SocketAddress one;
  auto& local = reinterpret_cast<sockaddr_un&>(one.storage);
  if (address.path.empty() || address.path.size() >= sizeof(local.sun_path)) {
    return Status(StatusCode::kInvalidArgument, "the path of a Unix-domain socket has 1 to " +
                                                    std::to_string(sizeof(local.sun_path) - 1) +
                                                    " bytes, and " + address.path + " has " +
                                                    std::to_string(address.path.size()));
  }
  local.sun_family = AF_UNIX;
  std::memcpy(local.sun_path, address.path.data(), address.path.size());
  one.bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.path.size() + 1);
  return std::vector<SocketAddress>{one};
}

}  // namespace

Result<std::vector<SocketAddress>> resolve(const Address& address, Resolve what_for) {
  if (const auto* tcp = std::get_if<TcpAddress>(&address)) return resolve_tcp(*tcp, what_for);
  return resolve_unix(std::get<UnixAddress>(address));
}

Result<SocketAddress> local_address(int socket) {
  SocketAddress address;
  if (::getsockname(socket, address.raw(), &address.bytes) != 0) {
    return Status::from_errno("getsockname");
  }
  return address;
}

Result<SocketAddress> peer_address(int socket) {
  SocketAddress address;
  if (::getpeername(socket, address.raw(), &address.bytes) != 0) {
    return Status::from_errno("getpeername");
  }
  return address;
}

TcpAddress to_tcp(const SocketAddress& address) {
  char host[INET6_ADDRSTRLEN] = {};
  if (address.family() == AF_INET) {
    ::inet_ntop(AF_INET, &as_v4(address).sin_addr, host, sizeof(host));
    return {host, ntohs(as_v4(address).sin_port)};
  }
  ::inet_ntop(AF_INET6, &as_v6(address).sin6_addr, host, sizeof(host));
  return {host, ntohs(as_v6(address).sin6_port)};
}

bool same_host(const SocketAddress& a, const SocketAddress& b) {
  if (a.family() != b.family()) return false;
  switch (a.family()) {
    case AF_INET:
      return as_v4(a).sin_addr.s_addr == as_v4(b).sin_addr.s_addr;
    case AF_INET6:
      return std::memcmp(&as_v6(a).sin6_addr, &as_v6(b).sin6_addr, sizeof(in6_addr)) == 0;
    default:
      return a.family() == AF_UNIX;
  }
}

}  // namespace pageferry
