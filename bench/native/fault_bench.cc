// Demand faults through the engine's own fault handler and page server: what a guest thread waits for a
// page that another process has.
//
//   fault_bench --bytes N --touches N --threads N
//
// Two processes and one TCP connection over loopback, as between two agents on one host: the child holds
// the pages and serves them, the parent's guest threads touch pages in random order, one after the other,
// that are all missing. There is no active push and no page channel. The engine's own threads run where
// the scheduler puts them. Both processes' memory is warm.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "../baselines/loopback.h"
#include "measure.h"
#include "net/socket_stream.h"
#include "receive/fault_handler.h"
#include "region/arriving_memory.h"
#include "send/page_server.h"

namespace {

using namespace pageferry;
using namespace pageferry::bench;

std::uint64_t first_word(PageIndex page) { return (page + 1) * 0x9e3779b97f4a7c15; }

std::shared_ptr<GuestMemory> warm_memory(std::uint64_t bytes) {
  auto created = GuestMemory::create_shared({bytes});
  check(created.status(), "memory");
  check(created.value()->prefault(), "prefault");
  return created.value();
}

// Returns when the other process has closed the connection.
void be_source(int fd, std::uint64_t bytes) {
  const auto memory = warm_memory(bytes);
  baseline::fill_random(memory->regions().front().engine_base, bytes, 1);
  for (PageIndex page = 0; page < memory->page_count(); ++page) {
    *reinterpret_cast<std::uint64_t*>(memory->engine_page(page)) = first_word(page);
  }
  const auto residual = std::make_shared<ResidualSet>(memory->page_count());
  residual->pages().set_range(residual->pages().all());
  const char ready = 1;
  baseline::send_all(fd, &ready, 1);
  std::promise<Status> ended;
  const auto server = PageServer::start(memory, residual, std::make_shared<TokenBucket>(),
                                        std::make_unique<SocketStream>(UniqueFd(fd)),
                                        [&](Status reason) { ended.set_value(std::move(reason)); });
  check(server.status(), "page server");
  const Status reason = ended.get_future().get();
  if (reason.code() != StatusCode::kPeerClosed) check(reason, "page server");
}

struct Touches {
  std::vector<double> took_us;
  double seconds;
};

Touches touch_all(const GuestMemory& memory, const std::vector<PageIndex>& pages,
                  std::uint64_t threads) {
  Touches touches = {.took_us = std::vector<double>(pages.size()), .seconds = 0};
  std::vector<double> took(threads);
  on_threads(threads, [&](std::uint64_t thread) {
    took[thread] = seconds([&] {
      for (std::size_t i = thread; i < pages.size(); i += threads) {
        const auto started = Clock::now();
        const auto word =
            *reinterpret_cast<volatile std::uint64_t*>(memory.guest_address(pages[i]));
        touches.took_us[i] = seconds_since(started) * 1e6;
        if (word != first_word(pages[i])) {
          fail("page " + std::to_string(pages[i]) + " arrived with other content");
        }
      }
    });
  });
  touches.seconds = *std::ranges::max_element(took);
  return touches;
}

std::string array_of(const std::vector<double>& figures) {
  std::string text = "[";
  char figure[32];
  for (const double one : figures) {
    std::snprintf(figure, sizeof(figure), "%s%.2f", text.size() > 1 ? "," : "", one);
    text += figure;
  }
  return text + "]";
}

std::string be_destination(int fd, std::uint64_t bytes, const std::vector<PageIndex>& pages,
                           std::uint64_t threads) {
  const auto arriving = std::make_shared<ArrivingMemory>(warm_memory(bytes));
  check(arriving->mark_missing({0, arriving->memory().page_count()}), "mark_missing");
  char ready = 0;
  baseline::receive_all(fd, &ready, 1);
  check(arriving->start_serving([] {}), "serving");
  // Guest threads wait for ever once the handler has failed: only the end of the program helps.
  auto started = FaultHandler::start(
      arriving, std::make_unique<SocketStream>(UniqueFd(fd)), wire::ContentSet{},
      [](const Status& failure) { check(failure, "fault handler"); });
  check(started.status(), "fault handler");
  FaultHandler& handler = *started.value();
  Touches touches = touch_all(arriving->memory(), pages, threads);
  handler.close();
  if (handler.faults_over_network() != pages.size()) {
    fail(std::to_string(pages.size()) + " pages were touched, but " +
         std::to_string(handler.faults_over_network()) + " came over the network");
  }
  std::ranges::sort(touches.took_us);
  const auto engine_us = [&](double share) {
    return static_cast<double>(handler.latency().percentile(share)) / 1e3;
  };
  return "{" + member("threads", static_cast<double>(threads)) + ", " +
         member("p50Us", percentile(touches.took_us, 0.5)) + ", " +
         member("p99Us", percentile(touches.took_us, 0.99)) + ", " +
         member("maxUs", touches.took_us.back()) + ", " +
         member("pagesPerSecond", static_cast<double>(pages.size()) / touches.seconds) + ", " +
         member("engineP50Us", engine_us(0.5)) + ", " + member("engineP99Us", engine_us(0.99)) +
         ", \"tookUs\": " + array_of(touches.took_us) + "}";
}

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv, {"bytes", "touches", "threads"});
  const std::uint64_t bytes = options.bytes(std::uint64_t{128} << 20);
  const std::uint64_t threads = options.number("threads", 1);
  const auto pages = scattered_pages(bytes / kPageBytes, options.number("touches", 10'000));
  if (const auto why = why_lacking("post-copy"); !why.empty()) {
    std::printf("%s\n", skipped(why).c_str());
    return 0;
  }
  // As the engine sets a fault channel up on one host.
  const auto [role, fd] = baseline::fork_over_loopback({.congestion = "cubic", .no_delay = true});
  if (role == baseline::Role::kChild) {
    be_source(fd, bytes);
    baseline::finish(role);
  }
  const std::string figures = be_destination(fd, bytes, pages, threads);
  baseline::finish(role);
  std::printf("%s\n", figures.c_str());
}
