#include "send/page_server.h"

#include <array>

#include "channel/record_io.h"
#include "codec/zero_page.h"
#include "os/contained.h"

namespace pageferry {

namespace {

// What is longer takes no less time on the link than decoding it takes.
constexpr std::size_t kMostEncoded = kPageBytes * 7 / 8;

}  // namespace

Result<std::unique_ptr<PageServer>> PageServer::start(std::shared_ptr<GuestMemory> memory,
                                                      std::shared_ptr<ResidualSet> residual,
                                                      std::shared_ptr<TokenBucket> bucket,
                                                      StreamPtr fault_channel, OnEnd on_end) {
  std::unique_ptr<PageServer> server(new PageServer(std::move(memory), std::move(residual),
                                                    std::move(bucket), std::move(fault_channel),
                                                    std::move(on_end)));
  auto thread =
      NativeThread::start("page-server", [self = server.get()]() noexcept { self->run(); });
  if (!thread.ok()) return thread.status();
  server->thread_.emplace(std::move(thread.value()));
  return server;
}

PageServer::PageServer(std::shared_ptr<GuestMemory> memory, std::shared_ptr<ResidualSet> residual,
                       std::shared_ptr<TokenBucket> bucket, StreamPtr fault_channel, OnEnd on_end)
    : memory_(std::move(memory)),
      residual_(std::move(residual)),
      bucket_(std::move(bucket)),
      stream_(std::move(fault_channel)),
      on_end_(std::move(on_end)),
      encoded_(std::make_unique_for_overwrite<std::byte[]>(kMostEncoded)) {}

PageServer::~PageServer() { close(); }

void PageServer::close() {
  closed_.store(true, std::memory_order_release);
  stream_->shutdown();
  thread_.reset();  // Joins it.
}

void PageServer::run() noexcept {
  Status ended = contained([this] { return serve(); });
  if (!closed_.load(std::memory_order_acquire)) on_end_(std::move(ended));
}

Status PageServer::serve() {
  while (true) {
    const auto request = receive_header(*stream_, wire::RecordType::kRequest);
    if (!request.ok()) return request.status();
    if (request.value().value >= memory_->page_count()) {
      return Status(StatusCode::kProtocol, "request for page " +
                                               std::to_string(request.value().value) +
                                               ", which is outside the guest's memory");
    }
    if (Status sent = answer(request.value().value); !sent.ok()) return sent;
  }
}

Status PageServer::answer(PageIndex page) {
  residual_->demanded(page);
  const std::span data(memory_->page_to_read(page), memory_->region_of(page).page_bytes);
  std::uint8_t content = wire::kContentRaw;
  std::span<const std::byte> payload = data;
  if (is_zero_page(data)) {
    content = wire::kContentZero;
    payload = {};
  } else if (const auto shorter = encoded(data)) {
    content = wire::kContentLz4;
    payload = *shorter;
  }
  const auto bytes = static_cast<std::uint32_t>(payload.size());
  wire::RecordHeader header = {
      .type = wire::RecordType::kPages, .entries = 1, .payload_bytes = bytes, .value = 0};
  wire::TableEntry entry = {
      .page = page,
      .payload_bytes = bytes,
      .pages = 1,
      .content = content,
      .members = static_cast<std::uint8_t>(content == wire::kContentLz4 ? 1 : 0)};
  std::array<iovec, 3> parts = {{{&header, sizeof(header)},
                                 {&entry, sizeof(entry)},
                                 {const_cast<std::byte*>(payload.data()), bytes}}};
  bucket_->charge(sizeof(header) + sizeof(entry) + bytes);
  if (Status sent = stream_->send_all(parts); !sent.ok()) return sent;
  pages_.fetch_add(1, std::memory_order_relaxed);
  if (content == wire::kContentZero) zero_pages_.fetch_add(1, std::memory_order_relaxed);
  if (content == wire::kContentLz4) lz4_pages_.fetch_add(1, std::memory_order_relaxed);
  return Status();
}

// The page as LZ4, where that is wanted and worth it. The guest was given up, so nobody writes the page.
std::optional<std::span<const std::byte>> PageServer::encoded(std::span<const std::byte> page) {
  if (!compresses_.load(std::memory_order_relaxed) || !trials_.is_due()) return std::nullopt;
  const std::span room(encoded_.get(), kMostEncoded);
  const auto length = encoder_->encode(page, {}, 1, room);
  if (!length.has_value()) {
    trials_.did_not_shrink();
    return std::nullopt;
  }
  trials_.shrank();
  return room.first(*length);
}

}  // namespace pageferry
