// What the baseline programs share: two processes joined by one TCP connection over loopback, and
// memory of the kind that guests have (a memfd in 4 KiB pages).
//
// A baseline is as plain as it can be, because it stands for what the kernel can do. Whatever fails
// ends the program with a message.
//
// Thread contract: single-threaded programs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace baseline {

inline constexpr std::size_t kPageBytes = 4096;

[[noreturn]] void die(const std::string& what);

// "cubic" and the like; "default" leaves what the system uses.
struct LoopbackOptions {
  std::string congestion = "default";
  bool no_delay = false;
};

enum class Role { kParent, kChild };

// On return there are two processes, each with its end of the connection. The child ends when its
// parent does.
struct Loopback {
  Role role;
  int fd;
};
Loopback fork_over_loopback(const LoopbackOptions& options);

// Ends the child; returns in the parent once the child has ended well.
void finish(Role role);

// Memory of this size, not populated; `fd` is its memfd.
std::byte* map_memory(std::size_t bytes, int& fd);
// The same for who needs no descriptor.
std::byte* map_memory(std::size_t bytes);
void fill_random(std::byte* memory, std::size_t bytes, std::uint64_t seed);

void send_all(int fd, const void* data, std::size_t bytes);
void receive_all(int fd, void* data, std::size_t bytes);

// Waits until there is something on the socket's error queue.
void wait_for_error(int fd);

double now_seconds();

// The value of `--name VALUE`, or `fallback`.
std::string option(int argc, char** argv, const std::string& name, const std::string& fallback);

}  // namespace baseline
