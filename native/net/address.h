// Where to listen, and where to connect to.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

namespace pageferry {

struct TcpAddress {
  std::string host;    // a name or an address
  std::uint16_t port;  // 0, to listen: a free one
};

// A Unix-domain socket in the file system: for processes of one host, and for tunnels.
struct UnixAddress {
  std::string path;
};

using Address = std::variant<TcpAddress, UnixAddress>;

// As it is written on the command line: HOST:PORT, [HOST]:PORT or unix:PATH.
std::string to_text(const Address& address);

}  // namespace pageferry
