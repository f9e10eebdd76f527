#include "receive/fault_handler.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <array>

#include "channel/record_io.h"
#include "os/contained.h"

namespace pageferry {

namespace {

constexpr std::size_t kEventsPerRead = 16;
constexpr int kForEver = -1;

}  // namespace

Result<std::unique_ptr<FaultHandler>> FaultHandler::start(std::shared_ptr<ArrivingMemory> arriving,
                                                          StreamPtr fault_channel,
                                                          const wire::ContentSet& accepted,
                                                          OnFailure on_failure) {
  if (fault_channel->peer_closed()) {
    return Status(StatusCode::kPeerClosed, "the fault channel is closed");
  }
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop) return Status::from_errno("eventfd");
  std::unique_ptr<FaultHandler> handler(new FaultHandler(std::move(arriving),
                                                         std::move(fault_channel), accepted,
                                                         std::move(stop), std::move(on_failure)));
  FaultHandler& self = *handler;
  auto serving = NativeThread::start("fault-handler", [&self]() noexcept { self.run(); });
  if (!serving.ok()) return serving.status();
  handler->handler_.emplace(std::move(serving.value()));
  // Without a mapper, or where it fails, a page faults once more and the handler maps it.
  auto mapper = NativeThread::start("page-mapper", [&self]() noexcept {
    (void)contained([&] { return self.arriving_->map_arrived(self.closing_); });
  });
  if (mapper.ok()) handler->mapper_.emplace(std::move(mapper.value()));
  return handler;
}

FaultHandler::FaultHandler(std::shared_ptr<ArrivingMemory> arriving, StreamPtr fault_channel,
                           const wire::ContentSet& accepted, UniqueFd stop, OnFailure on_failure)
    : arriving_(std::move(arriving)),
      stream_(std::move(fault_channel)),
      stop_(std::move(stop)),
      on_failure_(std::move(on_failure)),
      answers_(arriving_->memory(), accepted) {}

FaultHandler::~FaultHandler() { close(); }

void FaultHandler::close() {
  closing_.store(true, std::memory_order_release);
  ::eventfd_write(stop_.get(), 1);
  stream_->shutdown();
  handler_.reset();  // Joins it.
  mapper_.reset();
}

void FaultHandler::run() noexcept {
  Status ended = contained([this] { return serve(); });
  if (!closing_.load(std::memory_order_acquire)) on_failure_(std::move(ended));
}

// Returns only with the reason why it ended. One poll says what there is, so that a fault and its answer
// cost as few system calls as can be: each of them is time that a guest thread waits.
Status FaultHandler::serve() {
  std::array<pollfd, 3> waiting = {
      {{.fd = arriving_->userfaultfd().fd(), .events = POLLIN, .revents = 0},
       {.fd = stream_->fd(), .events = POLLIN, .revents = 0},
       {.fd = stop_.get(), .events = POLLIN, .revents = 0}}};
  while (!closing_.load(std::memory_order_acquire)) {
    // What the stream holds already is not told by its descriptor.
    const bool answered = stream_->holds_received();
    if (::poll(waiting.data(), waiting.size(), answered ? 0 : kForEver) < 0) {
      if (errno == EINTR) continue;
      return Status::from_errno("poll");
    }
    if (waiting[0].revents != 0) {
      if (Status served = serve_faults(); !served.ok()) return served;
    }
    if (answered || waiting[1].revents != 0) {
      if (Status served = serve_answers(); !served.ok()) return served;
    }
  }
  return Status(StatusCode::kCancelled, "closed");
}

Status FaultHandler::serve_faults() {
  std::array<FaultEvent, kEventsPerRead> events;
  const auto read = arriving_->userfaultfd().read_events(events);
  if (!read.ok()) return read.status();
  const auto read_at = WaitingFaults::Clock::now();
  for (std::size_t i = 0; i < read.value(); ++i) {
    if (Status handled = handle_fault(events[i], read_at); !handled.ok()) return handled;
  }
  return Status();
}

Status FaultHandler::handle_fault(const FaultEvent& fault,
                                  WaitingFaults::Clock::time_point read_at) {
  const PageIndex page = arriving_->memory().page_at(fault.address);
  // The descriptor of a guest in another process may watch more than the guest's memory.
  if (page >= arriving_->memory().page_count()) return Status();
  faults_.fetch_add(1, std::memory_order_relaxed);
  if (!arriving_->missing(page)) return arriving_->map(page, fault.kind);
  // Asked for already. Whoever publishes it wakes this thread too.
  if (requested_.contains(page)) return Status();
  arriving_->open_fault(page, read_at);
  // A page channel may have published it between the two looks, and known of no fault.
  if (!arriving_->missing(page)) return arriving_->map(page, fault.kind);
  return request(page);
}

Status FaultHandler::request(PageIndex page) {
  requested_.insert(page);
  faults_over_network_.fetch_add(1, std::memory_order_relaxed);
  return send_header(*stream_, request_record(page));
}

Status FaultHandler::serve_answers() {
  if (Status received = answers_.receive(*stream_); !received.ok()) return received;
  while (true) {
    const auto answer = answers_.next();
    if (!answer.ok()) return answer.status();
    if (!answer.value().has_value()) return Status();
    if (Status installed = install(*answer.value()); !installed.ok()) return installed;
  }
}

Status FaultHandler::install(const AnswerReader::Answer& answer) {
  if (requested_.erase(answer.page) == 0) {
    return Status(StatusCode::kProtocol, "an answer on the fault channel that nobody asked for");
  }
  const PageRange run = {answer.page, 1};
  const auto stored =
      answer.data == nullptr ? arriving_->store_zero(run) : arriving_->store(run, answer.data);
  if (!stored.ok()) return stored.status();
  // A page channel brought it while the answer was on its way.
  if (stored.value() == 0) duplicates_.fetch_add(1, std::memory_order_relaxed);
  return Status();
}

}  // namespace pageferry
