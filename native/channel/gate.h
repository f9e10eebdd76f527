// The destination's door: accepts connections, does their TLS handshakes where it has credentials, and reads their
// preambles (docs/protocol.md, 1.1). Whoever has not said yet who it is costs a descriptor and some bytes, and no thread.
// Of these there are so many and no more: one gives way to the next. Those that have said nothing and those that have
// begun to speak are two kinds, and of the kind that has more the one that waits longest goes. So a crowd that says
// nothing leaves those that are in the middle of a handshake alone. And a crowd that begins and says no more leaves one
// alone that was accepted and could not be read yet.
//
// Thread contract: one thread of its own does all the work and calls `on_arrival` from there, one call
// at a time. close() may come from any thread, joins that thread and is idempotent; no call follows it.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "channel/newcomer.h"
#include "channel/stranger_log.h"
#include "net/listening_socket.h"
#include "net/stream.h"
#include "os/mutex.h"
#include "os/native_thread.h"
#include "os/status.h"
#include "os/unique_fd.h"
#include "tls/tls_credentials_store.h"
#include "wire/preamble.h"

namespace pageferry {

struct Arrival {
  wire::Preamble preamble;
  StreamPtr stream;
  std::string peer;  // as of Accepted
};

class Gate {
 public:
  using OnArrival = std::function<void(Arrival)>;
  // A connection whose preamble is not ours, or did not come.
  using OnStranger = std::function<void(Stranger)>;
  // Connections wait and cannot be accepted. Called once, until all that wait could be.
  using OnTrouble = std::function<void(Status)>;

  // `credentials` null: without TLS. A connection is handed to on_arrival when it has proved who it is, where that is
  // asked for, and its magic and its version are right; the answer to the preamble is the taker's to send
  // (answer_preamble). Fails when the system has no thread left.
  static Result<std::unique_ptr<Gate>> open(const Address& address,
                                            std::shared_ptr<TlsCredentialsStore> credentials,
                                            OnArrival on_arrival, OnStranger on_stranger,
                                            OnTrouble on_trouble);
  ~Gate();

  // With the port that it has.
  const Address& address() const { return address_; }
  void close() EXCLUDES(closing_);

 private:
  using Clock = std::chrono::steady_clock;
  struct Watch;  // What the thread keeps from one turn to the next.

  Gate(ListeningSocket listening, std::shared_ptr<TlsCredentialsStore> credentials, UniqueFd stop,
       OnArrival on_arrival, OnStranger on_stranger, OnTrouble on_trouble);

  void run() noexcept;
  // Waits for what comes next, and deals with it.
  Status take_turn(Watch& watch);
  // What waits is left to wait for a while.
  void rest(Watch& watch, const Status& trouble);
  // Takes some of the connections that wait. Fails when the system has no descriptor or no memory left for them.
  Status accept_some(Watch& watch);
  // Closes one of those that `candidate` says may go; there is one.
  template <class Candidate>
  void turn_away(Watch& watch, Candidate candidate);
  // Closes one that has said nothing for a while, if there is one.
  void make_way(Watch& watch, Clock::time_point now);
  // True when the connection is done with: handed over, refused or dead.
  bool go_on(Watch& watch, Newcomer& newcomer);

  std::optional<ListeningSocket> listening_;
  const Address address_;
  const std::shared_ptr<TlsCredentialsStore> credentials_;
  UniqueFd stop_;
  OnArrival on_arrival_;
  OnStranger on_stranger_;
  OnTrouble on_trouble_;
  std::atomic<bool> stopping_{false};
  Mutex closing_;
  std::optional<NativeThread> thread_ GUARDED_BY(closing_);
};

}  // namespace pageferry
