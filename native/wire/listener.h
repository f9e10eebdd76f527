// The destination's TCP port: accepts connections and reads their preambles (docs/protocol.md, 1.1).
//
// Thread contract: one thread of its own does all the work and calls `on_arrival` from there, one call
// at a time. close() may come from any thread, joins that thread and is idempotent; no call follows it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/socket.h"
#include "os/mutex.h"
#include "os/native_thread.h"
#include "os/status.h"
#include "os/unique_fd.h"
#include "wire/records.h"

namespace pageferry {

struct Arrival {
  wire::Preamble preamble;
  Socket socket;
  std::string peer;  // "address:port"
};

class Listener {
 public:
  using OnArrival = std::function<void(Arrival)>;
  // A connection whose preamble is not ours: "address:port" and what was wrong with it.
  using OnStranger = std::function<void(std::string peer, std::string reason)>;
  // Connections wait and cannot be accepted. Called once, until all that wait could be.
  using OnTrouble = std::function<void(Status)>;

  // Listens on host:port; port 0 takes a free one. A connection is handed to on_arrival when its magic
  // and its version are right; the answer to the preamble is the taker's to send (answer_preamble).
  // Fails when the system has no thread left.
  static Result<std::unique_ptr<Listener>> open(const std::string& host, std::uint16_t port,
                                                OnArrival on_arrival, OnStranger on_stranger,
                                                OnTrouble on_trouble);
  ~Listener();

  std::uint16_t port() const { return port_; }
  void close() EXCLUDES(closing_);

 private:
  struct Pending;  // A connection whose preamble is not complete yet.

  Listener(UniqueFd fd, UniqueFd stop, std::uint16_t port, OnArrival on_arrival,
           OnStranger on_stranger, OnTrouble on_trouble);
  struct Watch;  // What the thread keeps from one turn to the next.

  void run() noexcept;
  // Waits for what comes next, and deals with it.
  Status take_turn(Watch& watch);
  // What waits is left to wait for a while.
  void rest(Watch& watch, const Status& trouble);
  // Fails when the system has no descriptor or no memory left for the connections that wait.
  Status accept_all(std::vector<Pending>& pending);
  // True when the connection is done with: handed over, refused or dead.
  bool read_preamble(Pending& connection);

  UniqueFd fd_;
  UniqueFd stop_;
  std::uint16_t port_;
  OnArrival on_arrival_;
  OnStranger on_stranger_;
  OnTrouble on_trouble_;
  std::atomic<bool> stopping_{false};
  Mutex closing_;
  std::optional<NativeThread> thread_ GUARDED_BY(closing_);
};

// Sends the destination's 16-byte answer. Any status but kAccepted is followed by a close by the caller.
Status answer_preamble(Socket& socket, wire::PreambleStatus status);

// The source's half: sends the preamble and waits for the answer. kProtocol when the other side does
// not speak our protocol, kTimedOut with EAGAIN when it has connected and does not answer, kUnsupported
// when it speaks another version of it, kBusy when it takes no more migrations.
Status offer_preamble(Socket& socket, wire::Role role, std::uint32_t channel,
                      const std::array<std::uint8_t, 16>& migration_id,
                      std::chrono::milliseconds timeout);

}  // namespace pageferry
