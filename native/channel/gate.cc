#include "channel/gate.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "os/contained.h"

namespace pageferry {

namespace {

// After so long nobody is about to speak.
constexpr auto kTimeToSpeak = std::chrono::seconds(1);
// Accepted before those that were accepted are read. So few that one which speaks at once is read before it must
// give way to those behind it.
constexpr int kAcceptedAtOnce = 32;
constexpr int kTickMs = 200;

}  // namespace

struct Gate::Watch {
  explicit Watch(const OnStranger& on_stranger) : strangers(on_stranger) {}

  std::vector<Newcomer> newcomers;  // in the order in which they came
  StrangerLog strangers;
  std::vector<pollfd> waiting;
  // Nothing is left to accept with, a descriptor or memory: poll() would not wait for it.
  bool resting = false;
  bool told = false;  // on_trouble was called, and not all that waited could be accepted since.
};

Result<std::unique_ptr<Gate>> Gate::open(const Address& address,
                                         std::shared_ptr<TlsCredentialsStore> credentials,
                                         OnArrival on_arrival, OnStranger on_stranger,
                                         OnTrouble on_trouble) {
  auto listening = ListeningSocket::open(address);
  if (!listening.ok()) return listening.status();
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop) return Status::from_errno("eventfd");
  std::unique_ptr<Gate> gate(new Gate(std::move(listening.value()), std::move(credentials),
                                      std::move(stop), std::move(on_arrival),
                                      std::move(on_stranger), std::move(on_trouble)));
  auto thread = NativeThread::start("gate", [self = gate.get()]() noexcept { self->run(); });
  if (!thread.ok()) return thread.status();
  const MutexLock lock(gate->closing_);
  gate->thread_.emplace(std::move(thread.value()));
  return gate;
}

Gate::Gate(ListeningSocket listening, std::shared_ptr<TlsCredentialsStore> credentials,
           UniqueFd stop, OnArrival on_arrival, OnStranger on_stranger, OnTrouble on_trouble)
    : listening_(std::move(listening)),
      address_(listening_->address()),
      credentials_(std::move(credentials)),
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
  Watch watch(on_stranger_);
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
  const int door = watch.resting ? -1 : listening_->fd();
  waiting.push_back({.fd = door, .events = POLLIN, .revents = 0});
  for (const Newcomer& newcomer : newcomers) {
    waiting.push_back({.fd = newcomer.fd(), .events = newcomer.events(), .revents = 0});
  }
  const bool idle = newcomers.empty() && !watch.resting && !watch.strangers.has_rest();
  ::poll(waiting.data(), waiting.size(), idle ? -1 : kTickMs);
  if (waiting[0].revents != 0) return Status();
  const auto now = Clock::now();
  watch.strangers.tell_rest(now);
  std::size_t index = 2;
  std::erase_if(newcomers, [&](Newcomer& newcomer) {
    const bool ready = waiting[index++].revents != 0;
    if (ready && go_on(watch, newcomer)) return true;
    if (now < newcomer.came() + wire::kPreambleTimeout) return false;
    watch.strangers.turned_away(newcomer.peer(), "sent no complete preamble within 5 seconds", now);
    return true;
  });
  if (waiting[1].revents == 0) {
    // Rested: the next look finds the connections that still wait.
    watch.resting = false;
    return Status();
  }
  if (const Status accepted = accept_some(watch); !accepted.ok()) {
    rest(watch, accepted);
    // What somebody holds who says nothing may be what is missing.
    make_way(watch, now);
  } else {
    watch.resting = watch.told = false;
  }
  return Status();
}

void Gate::rest(Watch& watch, const Status& trouble) {
  watch.resting = true;
  if (!std::exchange(watch.told, true)) on_trouble_(trouble);
}

Status Gate::accept_some(Watch& watch) {
  const TlsCredentialsPtr credentials = credentials_ ? credentials_->current() : nullptr;
  for (int i = 0; i < kAcceptedAtOnce; ++i) {
    auto accepted = listening_->accept();
    if (!accepted.ok()) return accepted.status();
    if (!accepted.value().has_value()) return Status();
    watch.newcomers.emplace_back(std::move(*accepted.value()), credentials, Clock::now());
    // The one that came last is not looked at before it could speak.
    const auto others = std::span(watch.newcomers).first(watch.newcomers.size() - 1);
    const std::string& newest = watch.newcomers.back().host();
    if (std::ranges::count(others, newest, &Newcomer::host) >= wire::kMaxNewcomersOfHost) {
      turn_away(watch, [&](const Newcomer& newcomer) { return newcomer.host() == newest; });
    } else if (others.size() >= wire::kMaxNewcomers) {
      turn_away(watch, [](const Newcomer&) { return true; });
    }
  }
  return Status();
}

void Gate::make_way(Watch& watch, Clock::time_point now) {
  const auto had_its_time = [now](const Newcomer& newcomer) {
    return newcomer.is_silent() && newcomer.came() + kTimeToSpeak < now;
  };
  if (std::ranges::any_of(watch.newcomers, had_its_time)) turn_away(watch, had_its_time);
}

template <class Candidate>
void Gate::turn_away(Watch& watch, Candidate candidate) {
  std::vector<Newcomer>& newcomers = watch.newcomers;
  const auto of_kind = [&](bool silent) {
    return [&, silent](const Newcomer& newcomer) {
      return newcomer.is_silent() == silent && candidate(newcomer);
    };
  };
  const bool silent = std::ranges::count_if(newcomers, of_kind(true)) >=
                      std::ranges::count_if(newcomers, of_kind(false));
  const auto leaving = std::ranges::find_if(newcomers, of_kind(silent));
  watch.strangers.turned_away(leaving->peer(),
                              "had sent no complete preamble, and others came since", Clock::now());
  newcomers.erase(leaving);
}

bool Gate::go_on(Watch& watch, Newcomer& newcomer) {
  auto step = newcomer.step();
  if (const auto* refused = std::get_if<Newcomer::Refused>(&step)) {
    watch.strangers.turned_away(newcomer.peer(), refused->reason, Clock::now());
    return true;
  }
  auto* arrived = std::get_if<Newcomer::Arrived>(&step);
  if (arrived == nullptr) return false;
  on_arrival_({.preamble = arrived->preamble,
               .stream = std::move(arrived->stream),
               .peer = newcomer.peer()});
  return true;
}

}  // namespace pageferry
