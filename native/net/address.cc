#include "net/address.h"

namespace pageferry {

std::string to_text(const Address& address) {
  if (const auto* tcp = std::get_if<TcpAddress>(&address)) {
    const bool v6 = tcp->host.find(':') != std::string::npos;
    return (v6 ? "[" + tcp->host + "]" : tcp->host) + ":" + std::to_string(tcp->port);
  }
  return "unix:" + std::get<UnixAddress>(address).path;
}

}  // namespace pageferry
