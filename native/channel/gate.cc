#include "channel/gate.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <array>
#include <chrono>
#include <utility>

#include "channel/greeting.h"
#include "os/contained.h"

namespace pageferry {

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kPreambleTimeout = std::chrono::seconds(5);
// Connections that have not said who they are yet. More than this are left in the kernel's queue.
constexpr std::size_t kMaxNewcomers = 256;
constexpr int kTickMs = 200;

}  // namespace

struct Gate::Newcomer {
  std::unique_ptr<SocketStream> stream;
  std::string peer;
  Clock::time_point deadline;
  std::array<std::byte, sizeof(wire::Preamble)> preamble = {};
  std::size_t received = 0;
};

struct Gate::Watch {
  std::vector<Newcomer> newcomers;
  std::vector<pollfd> waiting;
  // Nothing is left to accept with, a descriptor or memory: poll() would not wait for it.
  bool resting = false;
  bool told = false;  // on_trouble was called, and not all that waited could be accepted since.
};

Result<std::unique_ptr<Gate>> Gate::open(const Address& address, OnArrival on_arrival,
                                         OnStranger on_stranger, OnTrouble on_trouble) {
  auto listening = ListeningSocket::open(address);
  if (!listening.ok()) return listening.status();
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop) return Status::from_errno("eventfd");
  std::unique_ptr<Gate> gate(new Gate(std::move(listening.value()), std::move(stop),
                                      std::move(on_arrival), std::move(on_stranger),
                                      std::move(on_trouble)));
  auto thread = NativeThread::start("gate", [self = gate.get()]() noexcept { self->run(); });
  if (!thread.ok()) return thread.status();
  const MutexLock lock(gate->closing_);
  gate->thread_.emplace(std::move(thread.value()));
  return gate;
}

Gate::Gate(ListeningSocket listening, UniqueFd stop, OnArrival on_arrival, OnStranger on_stranger,
           OnTrouble on_trouble)
    : listening_(std::move(listening)),
      address_(listening_->address()),
      stop_(std::move(stop)),
      on_arrival_(std::move(on_arrival)),
      on_stranger_(std::move(on_stranger)),
      on_trouble_(std::move(on_trouble)) {}

Gate::~Gate() { close(); }

void Gate::close() {
  const MutexLock lock(closing_);
  if (!thread_.has_value()) return;
  stopping_.store(true, std::memory_order_release);
  ::eventfd_write(stop_.get(), 1);
  thread_.reset();  // Joins it.
  listening_.reset();
  stop_.reset();
  // Lets go of whatever the callbacks hold.
  on_arrival_ = nullptr;
  on_stranger_ = nullptr;
  on_trouble_ = nullptr;
}

void Gate::run() noexcept {
  Watch watch;
  while (!stopping_.load(std::memory_order_acquire)) {
    const Status taken = contained([&] { return take_turn(watch); });
    if (taken.ok()) continue;
    // Out of memory. Whoever had not said who it is may come again; the port stays open.
    watch.newcomers.clear();
    rest(watch, taken);
  }
}

Status Gate::take_turn(Watch& watch) {
  std::vector<Newcomer>& newcomers = watch.newcomers;
  std::vector<pollfd>& waiting = watch.waiting;
  waiting.clear();
  waiting.push_back({.fd = stop_.get(), .events = POLLIN, .revents = 0});
  const bool full = newcomers.size() >= kMaxNewcomers;
  const int door = full || watch.resting ? -1 : listening_->fd();
  waiting.push_back({.fd = door, .events = POLLIN, .revents = 0});
  for (const Newcomer& newcomer : newcomers) {
    waiting.push_back({.fd = newcomer.stream->fd(), .events = POLLIN, .revents = 0});
  }
  ::poll(waiting.data(), waiting.size(), newcomers.empty() && !watch.resting ? -1 : kTickMs);
  if (waiting[0].revents != 0) return Status();
  const auto now = Clock::now();
  std::size_t index = 2;
  std::erase_if(newcomers, [&](Newcomer& newcomer) {
    const bool readable = waiting[index++].revents != 0;
    if (readable && read_preamble(newcomer)) return true;
    if (now < newcomer.deadline) return false;
    on_stranger_(newcomer.peer, "sent no complete preamble within 5 seconds");
    return true;
  });
  if (waiting[1].revents == 0) {
    // Rested: the next look finds the connections that still wait.
    watch.resting = false;
    return Status();
  }
  if (const Status accepted = accept_all(newcomers); !accepted.ok()) {
    rest(watch, accepted);
  } else {
    watch.resting = watch.told = false;
  }
  return Status();
}

void Gate::rest(Watch& watch, const Status& trouble) {
  watch.resting = true;
  if (!std::exchange(watch.told, true)) on_trouble_(trouble);
}

Status Gate::accept_all(std::vector<Newcomer>& newcomers) {
  while (newcomers.size() < kMaxNewcomers) {
    auto accepted = listening_->accept();
    if (!accepted.ok()) return accepted.status();
    if (!accepted.value().has_value()) return Status();
    auto& [stream, peer] = *accepted.value();
    newcomers.push_back({.stream = std::make_unique<SocketStream>(std::move(stream)),
                         .peer = std::move(peer),
                         .deadline = Clock::now() + kPreambleTimeout});
  }
  return Status();
}

bool Gate::read_preamble(Newcomer& newcomer) {
  const auto room = std::span(newcomer.preamble).subspan(newcomer.received);
  const auto got = newcomer.stream->receive_available(room.data(), room.size());
  if (!got.ok()) {
    on_stranger_(newcomer.peer, "closed before its preamble was complete");
    return true;
  }
  newcomer.received += got.value();
  const auto verdict = judge_preamble(std::span(newcomer.preamble).first(newcomer.received));
  if (std::holds_alternative<PreambleIncomplete>(verdict)) return false;
  if (const auto* refused = std::get_if<PreambleRefused>(&verdict)) {
    if (refused->speaks_another_version) {
      (void)answer_preamble(*newcomer.stream, wire::PreambleStatus::kVersionNotSupported);
    }
    on_stranger_(newcomer.peer, refused->reason);
    return true;
  }
  on_arrival_({.preamble = std::get<wire::Preamble>(verdict),
               .stream = std::move(newcomer.stream),
               .peer = newcomer.peer});
  return true;
}

}  // namespace pageferry
