#include "fault/fault_handler.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <vector>

#include "wire/record_reader.h"

namespace pageferry {

namespace {

constexpr std::size_t kEventsPerRead = 16;

}  // namespace

Result<std::unique_ptr<FaultHandler>> FaultHandler::start(std::shared_ptr<ArrivingMemory> arriving,
                                                          Socket fault_channel,
                                                          OnFailure on_failure) {
  if (fault_channel.peer_closed()) {
    return Status(StatusCode::kPeerClosed, "the fault channel is closed");
  }
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop) return Status::from_errno("eventfd");
  std::unique_ptr<FaultHandler> handler(new FaultHandler(
      std::move(arriving), std::move(fault_channel), std::move(stop), std::move(on_failure)));
  // Without a mapper, or where it fails, a page faults once more and the handler maps it.
  FaultHandler& self = *handler;
  auto mapper = NativeThread::start("page-mapper",
                                    [&self] { (void)self.arriving_->map_arrived(self.closing_); });
  if (mapper.ok()) handler->mapper_.emplace(std::move(mapper.value()));
  return handler;
}

FaultHandler::FaultHandler(std::shared_ptr<ArrivingMemory> arriving, Socket fault_channel,
                           UniqueFd stop, OnFailure on_failure)
    : arriving_(std::move(arriving)),
      socket_(std::move(fault_channel)),
      stop_(std::move(stop)),
      on_failure_(std::move(on_failure)),
      buffer_(std::make_unique_for_overwrite<std::byte[]>(
          arriving_->memory().regions().front().page_bytes)),
      handler_([this] { run(); }) {}

FaultHandler::~FaultHandler() { close(); }

void FaultHandler::close() {
  if (!handler_.joinable()) return;
  closing_.store(true, std::memory_order_release);
  ::eventfd_write(stop_.get(), 1);
  socket_.shutdown();
  handler_.join();
  mapper_.reset();  // Joins it.
}

void FaultHandler::run() {
  Status ended = serve();
  if (!closing_.load(std::memory_order_acquire)) on_failure_(std::move(ended));
}

// Returns only with the reason why it ended.
Status FaultHandler::serve() {
  while (!closing_.load(std::memory_order_acquire)) {
    const auto served = serve_pending();
    if (!served.ok()) return served.status();
    if (!served.value()) await_work();
  }
  return Status(StatusCode::kCancelled, "closed");
}

// Serves what is there without waiting. True when there was something: then there may be more.
Result<bool> FaultHandler::serve_pending() {
  std::array<FaultEvent, kEventsPerRead> events;
  const auto read = arriving_->userfaultfd().read_events(events);
  if (!read.ok()) return read.status();
  for (std::size_t i = 0; i < read.value(); ++i) {
    if (Status handled = handle_fault(events[i]); !handled.ok()) return handled;
  }
  char probe = 0;
  const ssize_t peeked = ::recv(socket_.fd(), &probe, 1, MSG_PEEK | MSG_DONTWAIT);
  if (peeked < 0 && (errno == EAGAIN || errno == EINTR)) return read.value() > 0;
  if (Status answered = receive_answer(); !answered.ok()) return answered;
  return true;
}

void FaultHandler::await_work() {
  std::array<pollfd, 3> waiting = {
      {{.fd = arriving_->userfaultfd().fd(), .events = POLLIN, .revents = 0},
       {.fd = socket_.fd(), .events = POLLIN, .revents = 0},
       {.fd = stop_.get(), .events = POLLIN, .revents = 0}}};
  ::poll(waiting.data(), waiting.size(), -1);
}

Status FaultHandler::handle_fault(const FaultEvent& fault) {
  const PageIndex page = arriving_->memory().page_at(fault.address);
  // The descriptor of a guest in another process may watch more than the guest's memory.
  if (page >= arriving_->memory().page_count()) return Status();
  faults_.fetch_add(1, std::memory_order_relaxed);
  if (arriving_->published(page)) return arriving_->map(page, fault.kind);
  // Claimed but not published: a page channel is writing it right now and will wake the thread.
  if (arriving_->claimed(page) || requested_.contains(page)) return Status();
  return request(page);
}

Status FaultHandler::request(PageIndex page) {
  requested_.emplace(page, Clock::now());
  faults_over_network_.fetch_add(1, std::memory_order_relaxed);
  const wire::RecordHeader header = {
      .type = wire::RecordType::kRequest, .entries = 0, .payload_bytes = 0, .value = page};
  return socket_.send_all(&header, sizeof(header));
}

Status FaultHandler::receive_answer() {
  const auto header = read_header(socket_, wire::RecordType::kPages);
  if (!header.ok()) return header.status();
  std::vector<wire::TableEntry> table;
  if (header.value().type != wire::RecordType::kPages || header.value().entries != 1) {
    return Status(StatusCode::kProtocol, "an answer on the fault channel that is not one page");
  }
  if (Status read = read_table(socket_, header.value(), arriving_->memory(), table); !read.ok()) {
    return read;
  }
  const wire::TableEntry& entry = table.front();
  const bool zero = entry.content == wire::kContentZero;
  const bool raw = entry.content == wire::kContentRaw;
  const auto asked = requested_.find(entry.page);
  if (entry.pages != 1 || !(zero || raw) || asked == requested_.end()) {
    return Status(StatusCode::kProtocol, "an answer on the fault channel that nobody asked for");
  }
  // Received aside first: a page channel may claim the page while these bytes are on their way, and
  // only the one that claims may write the page.
  if (Status got = socket_.receive_all(buffer_.get(), entry.payload_bytes); !got.ok()) return got;
  Status published;
  if (arriving_->claim(entry.page)) {
    published = zero ? arriving_->publish_zero({entry.page, 1})
                     : arriving_->publish({entry.page, 1}, buffer_.get());
  } else {
    duplicates_.fetch_add(1, std::memory_order_relaxed);
  }
  const auto took =
      std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - asked->second);
  latency_.record(static_cast<std::uint64_t>(took.count()));
  requested_.erase(asked);
  return published;
}

}  // namespace pageferry
