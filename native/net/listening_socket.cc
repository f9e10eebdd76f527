#include "net/listening_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>

#include "net/socket_address.h"

namespace pageferry {

namespace {

Result<UniqueFd> make_socket(int family) {
  UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return Status::from_errno("socket");
  return fd;
}

Status listen_on(int fd) {
  return ::listen(fd, SOMAXCONN) == 0 ? Status() : Status::from_errno("listen");
}

Result<UniqueFd> open_tcp(const SocketAddress& address) {
  auto fd = make_socket(address.family());
  if (!fd.ok()) return fd;
  const int socket = fd.value().get();
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(socket, address.raw(), address.bytes) != 0) return Status::from_errno("bind");
  if (Status listening = listen_on(socket); !listening.ok()) return listening;
  return fd;
}

// A socket in the file system outlives the process that made it.
bool is_left_behind(const UnixAddress& address) {
  struct stat found = {};
  if (::lstat(address.path.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) return false;
  const auto connected = SocketStream::connect(address, std::chrono::seconds(1));
  return !connected.ok() && connected.status().system_error() == ECONNREFUSED;
}

Result<UniqueFd> open_unix(const UnixAddress& path, const SocketAddress& address) {
  if (is_left_behind(path)) ::unlink(path.path.c_str());
  auto fd = make_socket(AF_UNIX);
  if (!fd.ok()) return fd;
  const int socket = fd.value().get();
  if (::bind(socket, address.raw(), address.bytes) != 0) return Status::from_errno("bind");
  // Nobody can connect before it listens, so nobody does with the rights that the process's mask left.
  if (::chmod(path.path.c_str(), S_IRUSR | S_IWUSR) != 0) return Status::from_errno("chmod");
  if (Status listening = listen_on(socket); !listening.ok()) return listening;
  return fd;
}

Result<Address> address_of(int fd) {
  const auto address = local_address(fd);
  if (!address.ok()) return address.status();
  return Address(to_tcp(address.value()));
}

struct Peer {
  std::string name;
  std::string host;
};

Peer peer_of(int socket, const SocketAddress& address) {
  if (address.family() != AF_UNIX) {
    TcpAddress tcp = to_tcp(address);
    std::string name = to_text(tcp);
    return {std::move(name), std::move(tcp.host)};
  }
  ucred peer = {};
  socklen_t size = sizeof(peer);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return {"unix:", ""};
  std::string user = std::to_string(peer.uid);
  return {"unix:process " + std::to_string(peer.pid) + " of user " + user, std::move(user)};
}

}  // namespace

Result<ListeningSocket> ListeningSocket::open(const Address& address) {
  const auto addresses = resolve(address, Resolve::kToListen);
  if (!addresses.ok()) return addresses.status();
  const SocketAddress& first = addresses.value().front();
  if (const auto* path = std::get_if<UnixAddress>(&address)) {
    auto fd = open_unix(*path, first);
    if (!fd.ok()) return fd.status();
    return ListeningSocket(std::move(fd.value()), address);
  }
  auto fd = open_tcp(first);
  if (!fd.ok()) return fd.status();
  auto actual = address_of(fd.value().get());
  if (!actual.ok()) return actual.status();
  return ListeningSocket(std::move(fd.value()), std::move(actual.value()));
}

ListeningSocket::~ListeningSocket() {
  const auto* path = std::get_if<UnixAddress>(&address_);
  if (path != nullptr && fd_.valid()) ::unlink(path->path.c_str());
}

Result<std::optional<Accepted>> ListeningSocket::accept() {
  SocketAddress peer;
  UniqueFd fd(::accept4(fd_.get(), peer.raw(), &peer.bytes, SOCK_CLOEXEC));
  if (!fd) {
    const bool exhausted =
        errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    if (exhausted) return Status::from_errno("accept");
    return std::optional<Accepted>();
  }
  auto [name, host] = peer_of(fd.get(), peer);
  SocketStream stream(std::move(fd));
  stream.tune();
  return std::optional<Accepted>(Accepted{std::move(stream), std::move(name), std::move(host)});
}

}  // namespace pageferry
