// Post-copy as a whole: guest threads run on memory that is still arriving, on demand and by push.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <thread>

#include "os/thread_test_util.h"
#include "receive/fault_handler.h"
#include "send/ferry_test_util.h"
#include "send/page_server.h"

namespace pageferry {
namespace {

using namespace testing;

// The word of a page that the guest writes on the destination, and what it writes there.
constexpr std::uint64_t kMarkedWord = 77;
std::uint64_t mark_of(PageIndex page) { return ~page * 0x9e3779b97f4a7c15; }

struct Case {
  std::string name;
  Backing backing;
  std::uint32_t channels;
  bool push;
  std::uint64_t rate;
  bool lz4;
};
void PrintTo(const Case& way, std::ostream* out) { *out << way.name; }

class FaultPath : public ::testing::TestWithParam<Case> {
 protected:
  static constexpr std::uint64_t kPages = 3000 + 1 + 600;

  void SetUp() override {
    const Case& param = GetParam();
    if (const auto why = why_no_post_copy(param.backing); !why.empty()) GTEST_SKIP() << why;
    ferry_.emplace(
        FerryOptions{.region_pages = {3000, 1, 600},
                     .channels = param.channels,
                     .destination = param.backing,
                     .rate = param.rate,
                     .sending = param.lz4 ? in_blocks(Encoding::kLz4) : PageSender::Options{}});
  }

  // The copy phase: some pages arrive and then change, some stay as they are, some are never sent.
  void copy() {
    const auto sent = random_pages(kPages, 2, 1);
    for_each_page(sent, [&](PageIndex page) { write(page, page % 7 == 0 ? 0 : 1); });
    ferry_->ferry_round(sent);
    copied_ = ferry_->receiver().pages_received();
    const auto changed = random_pages(kPages, 2, 2);
    for_each_page(changed, [&](PageIndex page) { write(page, page % 5 == 0 ? 0 : 2); });
    residual_->pages().merge(changed);
    missing_ = changed.count();
    ASSERT_GT(missing_, 1000u);
    ferry_->ferry_missing(changed);
  }
  void write(PageIndex page, std::uint64_t version) {
    fill_page(ferry_->source(), page, version);
    version_[page] = version;
  }

  void serve() {
    auto pair = connect_pair();
    auto server =
        PageServer::start(ferry_->shared_source(), residual_, std::make_shared<TokenBucket>(),
                          owned(std::move(pair.near)), server_ended_.callback());
    ASSERT_TRUE(server.ok()) << server.status().message();
    server_ = std::move(server.value());
    server_->compress(true);
    ASSERT_TRUE(ferry_->arriving()->start_serving([this] { complete_.store(true); }).ok());
    auto started = FaultHandler::start(ferry_->arriving(), owned(std::move(pair.far)),
                                       wire::ContentSet::all(), handler_failed_.callback());
    ASSERT_TRUE(started.ok()) << started.status().message();
    handler_ = std::move(started.value());
  }

  // Reads every page in an order of its own, and marks those that are its own.
  void run_guest(std::uint32_t seed, PageIndex share, PageIndex shares) {
    std::vector<PageIndex> order(kPages);
    for (PageIndex page = 0; page < kPages; ++page) order[page] = page;
    std::shuffle(order.begin(), order.end(), std::mt19937(seed));
    for (const PageIndex page : order) {
      if (!looks_right(page)) wrong_.fetch_add(1);
      if (page % shares == share) {
        guest_word(ferry_->destination(), page, kMarkedWord).store(mark_of(page));
      }
    }
  }
  // As the source left it, marked or not.
  bool looks_right(PageIndex page) const {
    const GuestMemory& guest = ferry_->destination();
    const std::uint64_t first = first_difference(guest, page, version_[page]);
    if (first == kWordsPerPage) return true;
    return first == kMarkedWord && guest_word(guest, page, kMarkedWord).load() == mark_of(page) &&
           first_difference(guest, page, version_[page], kMarkedWord + 1) == kWordsPerPage;
  }

  std::optional<Ferry> ferry_;
  std::shared_ptr<ResidualSet> residual_ = std::make_shared<ResidualSet>(kPages);
  std::vector<std::uint64_t> version_ = std::vector<std::uint64_t>(kPages, 0);
  std::uint64_t copied_ = 0;
  std::uint64_t missing_ = 0;
  std::atomic<bool> complete_{false};
  std::atomic<std::uint64_t> wrong_{0};
  StatusLog server_ended_;
  StatusLog handler_failed_;
  std::unique_ptr<PageServer> server_;
  std::unique_ptr<FaultHandler> handler_;
};

TEST_P(FaultPath, EveryByteIsRightWhileTheGuestRunsAndNoWriteOfItsIsLost) {
  constexpr PageIndex kThreads = 3;
  ASSERT_NO_FATAL_FAILURE(copy());
  ASSERT_NO_FATAL_FAILURE(serve());
  std::vector<std::thread> guest;
  for (PageIndex i = 0; i < kThreads; ++i) {
    guest.emplace_back([this, i] { run_guest(static_cast<std::uint32_t>(i), i, kThreads); });
  }
  if (GetParam().push) {
    PushWidth width;
    ferry_->ferry([&](PageSender& sender) { return push(sender, *residual_, width); });
  }
  for (std::thread& thread : guest) thread.join();
  wait_until([&] { return complete_.load(); });
  EXPECT_EQ(wrong_.load(), 0u);
  EXPECT_EQ(server_ended_.count(), 0u) << server_ended_.first().message();
  EXPECT_EQ(ferry_->arriving()->pages_missing(), 0u);
  EXPECT_EQ(residual_->pages().count(), 0u);
  // Each missing page was written once, from the push or from an answer; the other answers are duplicates.
  const auto on_demand = missing_ - (ferry_->receiver().pages_received() - copied_);
  wait_until([&] { return on_demand + handler_->duplicate_pages() == server_->pages_served(); });
  // Each page that was waited for was timed once.
  wait_until([&] { return handler_->latency().count() == handler_->faults_over_network(); });
  EXPECT_GE(handler_->faults_over_network(), server_->pages_served());
  ASSERT_TRUE(ferry_->arriving()->complete().ok());
  handler_->close();
  server_->close();
  ferry_->receiver().close();
  EXPECT_EQ(ferry_->failures().count(), 0u);
  EXPECT_EQ(handler_failed_.count(), 0u) << handler_failed_.first().message();
  std::size_t lost = 0;
  for (PageIndex page = 0; page < kPages; ++page) {
    const auto mark = guest_word(ferry_->destination(), page, kMarkedWord).load();
    if (!looks_right(page) || mark != mark_of(page)) ++lost;
  }
  EXPECT_EQ(lost, 0u);
}

TEST_P(FaultPath, CompletionWhileThreadsFaultIsNoFailure) {
  ASSERT_NO_FATAL_FAILURE(copy());
  ASSERT_NO_FATAL_FAILURE(serve());
  std::vector<std::thread> guest;
  for (PageIndex i = 0; i < 3; ++i) {
    guest.emplace_back([this, i] { run_guest(static_cast<std::uint32_t>(i) + 10, i, 3); });
  }
  PushWidth width;
  ferry_->ferry([&](PageSender& sender) { return push(sender, *residual_, width); });
  wait_until([&] { return complete_.load(); });
  // Guest threads are in the middle of faults on pages that are here and not mapped yet.
  EXPECT_TRUE(ferry_->arriving()->complete().ok());
  for (std::thread& thread : guest) thread.join();
  EXPECT_EQ(wrong_.load(), 0u);
  handler_->close();
  EXPECT_EQ(handler_failed_.count(), 0u) << handler_failed_.first().message();
}

INSTANTIATE_TEST_SUITE_P(
    Ways, FaultPath,
    ::testing::Values(Case{"SharedOnDemandAlone", Backing::kShared, 1, false, 0, false},
                      Case{"SharedPushed", Backing::kShared, 1, true, 0, false},
                      Case{"SharedPushedSlowly", Backing::kShared, 2, true, 20'000'000, false},
                      Case{"SharedPushedOverThreeAsLz4", Backing::kShared, 3, true, 0, true},
                      Case{"PrivateOnDemandAlone", Backing::kPrivate, 1, false, 0, false},
                      Case{"PrivatePushed", Backing::kPrivate, 1, true, 0, false},
                      Case{"PrivatePushedSlowly", Backing::kPrivate, 2, true, 20'000'000, false},
                      Case{"PrivatePushedOverThreeAsLz4", Backing::kPrivate, 3, true, 0, true}),
    [](const auto& way) { return way.param.name; });

}  // namespace
}  // namespace pageferry
