#include "fault/page_server.h"

#include <array>

#include "channel/record_io.h"
#include "codec/zero_page.h"
#include "os/contained.h"

namespace pageferry {

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
      on_end_(std::move(on_end)) {}

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
  const std::uint64_t page_bytes = memory_->region_of(page).page_bytes;
  const std::byte* data = memory_->page_to_read(page);
  const bool zero = is_zero_page({data, page_bytes});
  const auto payload = zero ? 0 : static_cast<std::uint32_t>(page_bytes);
  wire::RecordHeader header = {
      .type = wire::RecordType::kPages, .entries = 1, .payload_bytes = payload, .value = 0};
  wire::TableEntry entry = {.page = page,
                            .payload_bytes = payload,
                            .pages = 1,
                            .content = zero ? wire::kContentZero : wire::kContentRaw,
                            .members = 0};
  std::array<iovec, 3> parts = {{{&header, sizeof(header)},
                                 {&entry, sizeof(entry)},
                                 {const_cast<std::byte*>(data), payload}}};
  bucket_->charge(sizeof(header) + sizeof(entry) + payload);
  if (Status sent = stream_->send_all(parts); !sent.ok()) return sent;
  pages_.fetch_add(1, std::memory_order_relaxed);
  if (zero) zero_pages_.fetch_add(1, std::memory_order_relaxed);
  return Status();
}

}  // namespace pageferry
