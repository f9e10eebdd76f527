// Two ends of a real loopback TCP connection. Tests only.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "net/socket_stream.h"

namespace pageferry::testing {

// A loopback port that accepts one connection at a time.
class LoopbackPort {
 public:
  LoopbackPort() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(fd_.get(), generic, size), 0);
    EXPECT_EQ(::listen(fd_.get(), 16), 0);
    EXPECT_EQ(::getsockname(fd_.get(), generic, &size), 0);
    port_ = ntohs(address.sin_port);
  }

  std::uint16_t port() const { return port_; }
  int fd() const { return fd_.get(); }
  SocketStream accept() const {
    return SocketStream(UniqueFd(::accept(fd_.get(), nullptr, nullptr)));
  }

 private:
  UniqueFd fd_;
  std::uint16_t port_ = 0;
};

struct StreamPair {
  SocketStream near;
  SocketStream far;
};

inline SocketStream connect_to(std::uint16_t port) {
  auto connected = SocketStream::connect(TcpAddress{"127.0.0.1", port}, std::chrono::seconds(10));
  EXPECT_TRUE(connected.ok()) << connected.status().message();
  return connected.ok() ? std::move(connected.value()) : SocketStream(UniqueFd());
}

// From another loopback address, as a peer on another host would have.
inline SocketStream connect_from(const char* host, std::uint16_t port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  EXPECT_EQ(::inet_pton(AF_INET, host, &address.sin_addr), 1);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  return SocketStream(std::move(fd));
}

inline StreamPair connect_pair() {
  const LoopbackPort port;
  SocketStream near = connect_to(port.port());
  return {std::move(near), port.accept()};
}

inline Status send_text(Stream& stream, const std::string& text) {
  return stream.send_all(text.data(), text.size());
}

// As those who use a channel have it.
inline StreamPtr owned(SocketStream stream) {
  return std::make_unique<SocketStream>(std::move(stream));
}

inline std::vector<StreamPtr> owned(std::vector<SocketStream> streams) {
  std::vector<StreamPtr> each;
  for (SocketStream& stream : streams) each.push_back(owned(std::move(stream)));
  return each;
}

// Everything that comes until the other side ends its stream.
inline std::vector<std::byte> receive_until_end(const Stream& stream) {
  std::vector<std::byte> bytes;
  std::byte buffer[4096];
  while (true) {
    const ssize_t got = ::recv(stream.fd(), buffer, sizeof(buffer), 0);
    if (got <= 0) return bytes;
    bytes.insert(bytes.end(), buffer, buffer + got);
  }
}

}  // namespace pageferry::testing
