#include "receive/page_receiver.h"

#include <algorithm>
#include <utility>

#include "channel/record_io.h"
#include "os/contained.h"
#include "receive/record_applier.h"

namespace pageferry {

PageReceiver::PageReceiver(std::shared_ptr<ArrivingMemory> arriving, std::uint32_t channels,
                           const wire::ContentSet& accepted, OnFailure on_failure)
    : arriving_(std::move(arriving)),
      accepted_(accepted),
      on_failure_(std::move(on_failure)),
      channels_(channels) {}

PageReceiver::~PageReceiver() { close(); }

Status PageReceiver::add_channel(std::uint32_t number, StreamPtr stream) {
  const MutexLock lock(mutex_);
  if (closed_) return Status(StatusCode::kCancelled, "the migration has ended");
  if (number >= channels_.size() || channels_[number] != nullptr) {
    return Status(StatusCode::kProtocol, "page channel " + std::to_string(number) +
                                             " is there already or was never agreed on");
  }
  channels_[number] = std::make_unique<Channel>(std::move(stream));
  Channel& channel = *channels_[number];
  auto thread = NativeThread::start("page-receiver", [this, &channel]() noexcept { run(channel); });
  if (!thread.ok()) {
    channels_[number].reset();
    return thread.status();
  }
  channel.thread.emplace(std::move(thread.value()));
  return Status();
}

std::uint64_t PageReceiver::bytes_received() const {
  const MutexLock lock(mutex_);
  return bytes_received_locked();
}

std::uint64_t PageReceiver::bytes_received_locked() const {
  std::uint64_t sum = bytes_of_closed_;
  for (const auto& channel : channels_) {
    if (channel != nullptr) sum += channel->stream->bytes_received();
  }
  return sum;
}

void PageReceiver::run(Channel& channel) noexcept {
  fail(contained([&] { return receive_records(channel); }));
}

// Returns only with the reason why the channel ended.
Status PageReceiver::receive_records(Channel& channel) {
  RecordApplier applier(arriving_, accepted_);
  while (true) {
    const auto header = receive_header(*channel.stream, wire::RecordType::kPages);
    if (!header.ok()) return header.status();
    if (header.value().type == wire::RecordType::kSync) {
      if (Status next = advance(channel, header.value().value); !next.ok()) return next;
      tell_waiters();
      continue;
    }
    const auto applied = applier.apply(*channel.stream, header.value());
    if (!applied.ok()) return applied.status();
    pages_.fetch_add(applied.value().pages, std::memory_order_relaxed);
    duplicates_.fetch_add(applied.value().duplicates, std::memory_order_relaxed);
  }
}

Status PageReceiver::advance(Channel& channel, std::uint64_t sync) {
  const MutexLock lock(mutex_);
  if (sync != channel.sync + 1) {
    return Status(StatusCode::kProtocol,
                  "sync " + std::to_string(sync) + " after sync " + std::to_string(channel.sync));
  }
  channel.sync = sync;
  return Status();
}

void PageReceiver::fail(Status status) {
  {
    const MutexLock lock(mutex_);
    if (closed_ || !failure_.ok()) return;
    failure_ = status;
  }
  tell_waiters();
  on_failure_(std::move(status));
}

bool PageReceiver::has_reached(std::uint64_t number) const {
  const MutexLock lock(mutex_);
  return has_reached_locked(number);
}

bool PageReceiver::has_reached_locked(std::uint64_t number) const {
  // A closed receiver has no channels any more.
  return !closed_ && std::ranges::all_of(channels_, [&](const auto& channel) {
    return channel != nullptr && channel->sync >= number;
  });
}

// What to tell who waits for a sync, if it is known by now.
std::optional<Status> PageReceiver::outcome_locked(std::uint64_t number) const {
  if (closed_) return Status(StatusCode::kCancelled, "the migration has ended");
  if (has_reached_locked(number)) return Status();
  if (!failure_.ok()) return failure_;
  return std::nullopt;
}

void PageReceiver::when_reached(std::uint64_t number, OnReached on_reached) {
  {
    const MutexLock lock(mutex_);
    waiters_.push_back({number, std::move(on_reached)});
  }
  tell_waiters();
}

void PageReceiver::tell_waiters() {
  std::vector<std::pair<OnReached, Status>> due;
  {
    const MutexLock lock(mutex_);
    std::vector<Waiter> waiting;
    for (Waiter& waiter : waiters_) {
      auto outcome = outcome_locked(waiter.sync);
      if (outcome.has_value()) {
        due.emplace_back(std::move(waiter.tell), std::move(*outcome));
      } else {
        waiting.push_back(std::move(waiter));
      }
    }
    waiters_ = std::move(waiting);
  }
  for (auto& [tell, status] : due) tell(std::move(status));
}

void PageReceiver::close() {
  const MutexLock closing(closing_);
  std::vector<std::unique_ptr<Channel>> ending;
  {
    const MutexLock lock(mutex_);
    closed_ = true;
    ending.swap(channels_);
  }
  tell_waiters();
  for (const auto& channel : ending) {
    if (channel != nullptr) channel->stream->shutdown();
  }
  std::uint64_t bytes = 0;
  for (const auto& channel : ending) {
    if (channel == nullptr) continue;
    channel->thread.reset();  // Joins it.
    bytes += channel->stream->bytes_received();
  }
  const MutexLock lock(mutex_);
  bytes_of_closed_ += bytes;
}

}  // namespace pageferry
