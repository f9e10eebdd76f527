#include "receive/fault_handler.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <optional>

#include "os/thread_test_util.h"
#include "send/ferry_test_util.h"
#include "wire/record_reader.h"
#include "wire/record_writer.h"

namespace pageferry {
namespace {

using namespace testing;

constexpr std::uint64_t kPages = 64;  // in regions of 40 and 24

std::vector<std::byte> content(PageIndex page, std::uint64_t version) {
  std::vector<std::byte> bytes(kPageBytes);
  for (std::uint64_t i = 0; i < kWordsPerPage; ++i) {
    const std::uint64_t word = word_of(page, version, i);
    std::memcpy(bytes.data() + i * sizeof(word), &word, sizeof(word));
  }
  return bytes;
}

// A destination whose source is the test: one page channel and the fault channel.
class Destination {
 public:
  explicit Destination(Backing backing)
      : guest_(make_guest(backing, {40, 24})),
        arriving_(std::make_shared<ArrivingMemory>(guest_.memory)),
        receiver_(std::in_place, arriving_, 1, wire::ContentSet::all(), failures_.callback()) {
    auto pair = connect_pair();
    page_channel_.emplace(std::move(pair.near));
    page_channel_->tune();
    EXPECT_TRUE(receiver_->add_channel(0, owned(std::move(pair.far))).ok());
  }
  // Guest threads end before their memory goes, whatever they still wait for.
  ~Destination() {
    if (handler_ != nullptr) handler_->close();
    guest_.memory->release_waiters();
    threads_.clear();
  }

  // Everything that was not sent before is missing.
  void serve(PageRange missing = {0, kPages}) {
    ASSERT_TRUE(arriving_->mark_missing(missing).ok());
    ASSERT_TRUE(arriving_->start_serving([this] { complete_.store(true); }).ok());
    auto pair = connect_pair();
    fault_channel_.emplace(std::move(pair.near));
    fault_channel_->tune();
    auto started = FaultHandler::start(arriving_, owned(std::move(pair.far)),
                                       wire::ContentSet::all(), failures_.callback());
    ASSERT_TRUE(started.ok()) << started.status().message();
    handler_ = std::move(started.value());
  }

  // A guest thread that reads all of a page and remembers its first word.
  struct Toucher {
    std::atomic<std::uint64_t> word{0};
    std::unique_ptr<WatchedThread> thread;
  };
  Toucher& touch(PageIndex page) {
    auto& toucher = *threads_.emplace_back(std::make_unique<Toucher>());
    toucher.thread = std::make_unique<WatchedThread>(
        [this, page, &toucher] { toucher.word.store(read_page(*guest_.memory, page)); });
    return toucher;
  }

  void send_page(PageIndex page, std::uint64_t version) {
    const auto bytes = content(page, version);
    RecordWriter writer;
    if (version == 0) {
      writer.add_zero(page, false);
    } else {
      writer.add_raw(page, bytes.data(), kPageBytes, false);
    }
    ASSERT_TRUE(send_record(*page_channel_, writer).ok());
  }
  // Waits until everything sent on the page channel has been applied.
  void sync() {
    ASSERT_TRUE(send_sync(*page_channel_, ++syncs_).ok());
    const Status reached = wait_sync(*receiver_, syncs_);
    ASSERT_TRUE(reached.ok()) << reached.message();
  }
  PageIndex next_request() {
    wire::RecordHeader request = {};
    const Status received =
        fault_channel_->receive_all_within(&request, sizeof(request), std::chrono::seconds(60));
    EXPECT_TRUE(received.ok()) << received.message();
    EXPECT_EQ(request.type, wire::RecordType::kRequest);
    return received.ok() ? request.value : ~std::uint64_t{0};
  }
  void answer(const wire::RecordHeader& header, const std::vector<wire::TableEntry>& table,
              const std::vector<std::byte>& payload = {}) {
    (void)fault_channel_->send_all(&header, sizeof(header));
    (void)fault_channel_->send_all(table.data(), table.size() * sizeof(wire::TableEntry));
    (void)fault_channel_->send_all(payload.data(), payload.size());
  }
  void answer_raw(PageIndex page, std::uint64_t version) {
    answer({wire::RecordType::kPages, 1, kPageBytes, 0},
           {{page, kPageBytes, 1, wire::kContentRaw, 0}}, content(page, version));
  }

  const GuestMemory& guest() const { return *guest_.memory; }
  ArrivingMemory& arriving() { return *arriving_; }
  PageReceiver& receiver() { return *receiver_; }
  FaultHandler& handler() { return *handler_; }
  StatusLog& failures() { return failures_; }
  SocketStream& page_channel() { return *page_channel_; }
  bool complete() const { return complete_.load(); }
  void lose_fault_channel() { fault_channel_.reset(); }
  // What the owner of a migration does at its end.
  void drop_all() {
    handler_.reset();
    receiver_.reset();
    arriving_.reset();
  }

 private:
  StatusLog failures_;
  TestGuest guest_;
  std::shared_ptr<ArrivingMemory> arriving_;
  std::atomic<bool> complete_{false};
  std::optional<PageReceiver> receiver_;
  std::optional<SocketStream> page_channel_;
  std::optional<SocketStream> fault_channel_;
  std::unique_ptr<FaultHandler> handler_;
  std::uint64_t syncs_ = 0;
  std::vector<std::unique_ptr<Toucher>> threads_;
};

class FaultHandlerOf : public ::testing::TestWithParam<Backing> {
 protected:
  void SetUp() override {
    if (const auto why = why_no_post_copy(GetParam()); !why.empty()) GTEST_SKIP() << why;
  }
};

TEST_P(FaultHandlerOf, AGuestThreadWaitsForItsPageAndThenReadsIt) {
  Destination destination(GetParam());
  ASSERT_NO_FATAL_FAILURE(destination.serve());
  auto& toucher = destination.touch(41);
  EXPECT_EQ(destination.next_request(), 41u);
  toucher.thread->wait_until_asleep();
  EXPECT_FALSE(toucher.thread->done());
  destination.answer_raw(41, 3);
  toucher.thread->join();
  EXPECT_EQ(toucher.word.load(), word_of(41, 3, 0));
  EXPECT_TRUE(holds(destination.guest(), 41, 3));
  wait_until([&] { return destination.handler().latency().count() == 1; });
  EXPECT_EQ(destination.handler().faults_over_network(), 1u);
}

TEST_P(FaultHandlerOf, AZeroAnswerGivesZerosAlsoWhereAnOldCopyLies) {
  Destination destination(GetParam());
  ASSERT_NO_FATAL_FAILURE(destination.send_page(7, 1));
  ASSERT_NO_FATAL_FAILURE(destination.sync());
  ASSERT_NO_FATAL_FAILURE(destination.serve());
  for (const PageIndex page : {7, 8}) {
    auto& toucher = destination.touch(page);
    EXPECT_EQ(destination.next_request(), page);
    destination.answer({wire::RecordType::kPages, 1, 0, 0}, {{page, 0, 1, wire::kContentZero, 0}});
    toucher.thread->join();
    EXPECT_TRUE(holds(destination.guest(), page, 0));
  }
}

TEST_P(FaultHandlerOf, ManyThreadsOnOnePageMakeOneRequest) {
  Destination destination(GetParam());
  ASSERT_NO_FATAL_FAILURE(destination.serve());
  std::vector<Destination::Toucher*> touchers;
  for (int i = 0; i < 4; ++i) touchers.push_back(&destination.touch(5));
  EXPECT_EQ(destination.next_request(), 5u);
  wait_until([&] { return destination.handler().faults() == 4; });
  destination.answer_raw(5, 1);
  for (auto* toucher : touchers) {
    toucher->thread->join();
    EXPECT_EQ(toucher->word.load(), word_of(5, 1, 0));
  }
  EXPECT_EQ(destination.handler().faults_over_network(), 1u);
}

TEST_P(FaultHandlerOf, APageThatComesAgainDoesNotOverwriteWhatTheGuestWrote) {
  Destination destination(GetParam());
  ASSERT_NO_FATAL_FAILURE(destination.serve());
  for (const PageIndex page : {3, 4}) {
    auto& toucher = destination.touch(page);
    EXPECT_EQ(destination.next_request(), page);
    destination.answer_raw(page, 1);
    toucher.thread->join();
  }
  fill_page(destination.guest(), 3, 5);
  ASSERT_NO_FATAL_FAILURE(destination.send_page(3, 2));
  ASSERT_NO_FATAL_FAILURE(destination.send_page(4, 0));
  ASSERT_NO_FATAL_FAILURE(destination.sync());
  EXPECT_TRUE(holds(destination.guest(), 3, 5));
  EXPECT_TRUE(holds(destination.guest(), 4, 1));
}

TEST_P(FaultHandlerOf, AnAnswerThatComesAfterThePushIsADuplicate) {
  Destination destination(GetParam());
  ASSERT_NO_FATAL_FAILURE(destination.serve());
  auto& toucher = destination.touch(9);
  EXPECT_EQ(destination.next_request(), 9u);
  ASSERT_NO_FATAL_FAILURE(destination.send_page(9, 1));
  toucher.thread->join();
  EXPECT_EQ(toucher.word.load(), word_of(9, 1, 0));
  fill_page(destination.guest(), 9, 6);
  destination.answer_raw(9, 2);
  wait_until([&] { return destination.handler().duplicate_pages() == 1; });
  EXPECT_TRUE(holds(destination.guest(), 9, 6));
  EXPECT_EQ(destination.arriving().pages_missing(), kPages - 1);
}

TEST_P(FaultHandlerOf, APageThatStallsOnItsPageChannelIsAskedForAndItsLateCopyChangesNothing) {
  Destination destination(GetParam());
  ASSERT_NO_FATAL_FAILURE(destination.serve());
  const wire::RecordHeader header = {wire::RecordType::kPages, 1, 16 * kPageBytes, 0};
  const wire::TableEntry entry = {8, 16 * kPageBytes, 16, wire::kContentRaw, 0};
  std::vector<std::byte> payload;
  for (PageIndex page = 8; page < 24; ++page) {
    const auto bytes = content(page, 2);
    payload.insert(payload.end(), bytes.begin(), bytes.end());
  }
  SocketStream& channel = destination.page_channel();
  ASSERT_TRUE(channel.send_all(&header, sizeof(header)).ok());
  ASSERT_TRUE(channel.send_all(&entry, sizeof(entry)).ok());
  constexpr std::size_t kBefore = 100;
  ASSERT_TRUE(channel.send_all(payload.data(), kBefore).ok());
  wait_until(
      [&] { return destination.receiver().bytes_received() >= sizeof(header) + sizeof(entry); });
  auto& toucher = destination.touch(12);
  ASSERT_EQ(destination.next_request(), 12u);
  destination.answer_raw(12, 1);
  toucher.thread->join();
  EXPECT_EQ(toucher.word.load(), word_of(12, 1, 0));
  fill_page(destination.guest(), 12, 5);
  wait_until([&] { return destination.handler().latency().count() == 1; });
  ASSERT_TRUE(channel.send_all(payload.data() + kBefore, payload.size() - kBefore).ok());
  ASSERT_NO_FATAL_FAILURE(destination.sync());
  for (PageIndex page = 8; page < 24; ++page) {
    EXPECT_TRUE(holds(destination.guest(), page, page == 12 ? 5 : 2)) << page;
  }
  EXPECT_EQ(destination.receiver().duplicate_pages(), 1u);
  EXPECT_EQ(destination.arriving().pages_missing(), kPages - 16);
  EXPECT_EQ(destination.handler().latency().count(), 1u);
  EXPECT_EQ(destination.handler().duplicate_pages(), 0u);
}

TEST_P(FaultHandlerOf, AFaultIsTimedUntilAPageChannelBringsItsPageAndNotUntilTheUselessAnswer) {
  Destination destination(GetParam());
  ASSERT_NO_FATAL_FAILURE(destination.serve());
  for (const PageIndex page : {9, 10}) {
    auto& toucher = destination.touch(page);
    ASSERT_EQ(destination.next_request(), page);
    ASSERT_NO_FATAL_FAILURE(destination.send_page(page, page == 9 ? 1 : 0));
    toucher.thread->join();
    const std::uint64_t faults = page - 8;
    wait_until([&] { return destination.handler().latency().count() == faults; });
    destination.answer_raw(page, 2);
    wait_until([&] { return destination.handler().duplicate_pages() == faults; });
    EXPECT_EQ(destination.handler().latency().count(), faults);
    EXPECT_EQ(destination.handler().faults_over_network(), faults);
  }
}

TEST_P(FaultHandlerOf, PagesThatCameBeforeTheSwitchoverNeedNoRequest) {
  Destination destination(GetParam());
  for (PageIndex page = 0; page < 30; ++page) {
    ASSERT_NO_FATAL_FAILURE(destination.send_page(page, page % 3));
  }
  ASSERT_NO_FATAL_FAILURE(destination.sync());
  ASSERT_NO_FATAL_FAILURE(destination.serve({30, 1}));
  for (PageIndex page = 0; page < kPages; ++page) {
    if (page == 30) continue;
    auto& toucher = destination.touch(page);
    toucher.thread->join();
    EXPECT_TRUE(holds(destination.guest(), page, page < 30 ? page % 3 : 0)) << page;
  }
  EXPECT_EQ(destination.handler().faults_over_network(), 0u);
  EXPECT_FALSE(destination.complete());
  ASSERT_NO_FATAL_FAILURE(destination.send_page(30, 1));
  ASSERT_NO_FATAL_FAILURE(destination.sync());
  EXPECT_TRUE(destination.complete());
}

TEST_P(FaultHandlerOf, WhenTheSourceDiesGuestThreadsWaitAndSeeNoZeros) {
  Destination destination(GetParam());
  ASSERT_NO_FATAL_FAILURE(destination.serve());
  auto& before = destination.touch(20);
  EXPECT_EQ(destination.next_request(), 20u);
  destination.lose_fault_channel();
  EXPECT_EQ(destination.failures().first().code(), StatusCode::kPeerClosed);
  auto& after = destination.touch(21);
  for (auto* toucher : {&before, &after}) {
    toucher->thread->wait_until_asleep();
    EXPECT_FALSE(toucher->thread->done());
  }
  destination.handler().close();
  EXPECT_FALSE(before.thread->done());
  EXPECT_FALSE(after.thread->done());
  destination.drop_all();
  before.thread->join();
  after.thread->join();
}

TEST_P(FaultHandlerOf, ReleasingTheWaitersOfALostGuestEndsItsThreads) {
  Destination destination(GetParam());
  ASSERT_NO_FATAL_FAILURE(destination.serve());
  auto& toucher = destination.touch(20);
  EXPECT_EQ(destination.next_request(), 20u);
  destination.handler().close();
  destination.guest().release_waiters();
  toucher.thread->join();
  EXPECT_EQ(destination.failures().count(), 0u);
}

TEST_P(FaultHandlerOf, CloseWithThreadsWaitingIsPromptAndNoFailure) {
  Destination destination(GetParam());
  ASSERT_NO_FATAL_FAILURE(destination.serve());
  auto& toucher = destination.touch(1);
  EXPECT_EQ(destination.next_request(), 1u);
  // Half an answer: the handler waits for the rest.
  const wire::RecordHeader header = {wire::RecordType::kPages, 1, kPageBytes, 0};
  destination.answer(header, {});
  destination.handler().close();
  destination.handler().close();
  EXPECT_FALSE(toucher.thread->done());
  EXPECT_EQ(destination.failures().count(), 0u);
}

TEST_P(FaultHandlerOf, AnAnswerThatTheDocumentForbidsEndsIt) {
  using wire::RecordType;
  const auto raw = [](PageIndex page) {
    return wire::TableEntry{page, kPageBytes, 1, wire::kContentRaw, 0};
  };
  const std::vector<std::byte> bytes(kPageBytes);
  const std::vector<std::pair<wire::RecordHeader, std::vector<wire::TableEntry>>> forbidden = {
      {{RecordType::kSync, 0, 0, 1}, {}},
      {{RecordType::kRequest, 0, 0, 1}, {}},
      {{RecordType::kPages, 0, 0, 0}, {}},
      {{RecordType::kPages, 2, 2 * kPageBytes, 0}, {raw(1), raw(2)}},
      {{RecordType::kPages, 1, kPageBytes, 0}, {raw(2)}},       // nobody asked for it
      {{RecordType::kPages, 1, kPageBytes, 0}, {raw(kPages)}},  // there is no such page
      {{RecordType::kPages, 1, 0, 0}, {{1, 0, 2, wire::kContentZero, 0}}},
      {{RecordType::kPages, 1, 0, 0}, {{1, 0, 1, wire::kContentMissing, 0}}},
      {{RecordType::kPages, 1, 100, 0}, {{1, 100, 1, 2, 0}}}};
  for (std::size_t i = 0; i < forbidden.size(); ++i) {
    Destination destination(GetParam());
    ASSERT_NO_FATAL_FAILURE(destination.serve());
    auto& toucher = destination.touch(1);
    EXPECT_EQ(destination.next_request(), 1u);
    destination.answer(forbidden[i].first, forbidden[i].second, bytes);
    EXPECT_EQ(destination.failures().first().code(), StatusCode::kProtocol) << i;
    EXPECT_FALSE(toucher.thread->done());
  }
}

TEST(FaultHandler, DoesNotStartOnAChannelWhosePeerIsGone) {
  const TestGuest guest = make_guest(Backing::kShared, {1});
  auto pair = connect_pair();
  { const SocketStream closing = std::move(pair.near); }
  wait_until([&] { return pair.far.peer_closed(); });
  StatusLog failures;
  const auto started =
      FaultHandler::start(std::make_shared<ArrivingMemory>(guest.memory),
                          owned(std::move(pair.far)), wire::ContentSet::all(), failures.callback());
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.status().code(), StatusCode::kPeerClosed);
  EXPECT_EQ(failures.count(), 0u);
}

TEST(FaultHandler, AFaultOutsideTheGuestOnADescriptorThatWasPassedOnIsLeftToItsOwner) {
  if (const auto why = why_no_post_copy(Backing::kShared); !why.empty()) GTEST_SKIP() << why;
  const TestGuest owner = make_guest(Backing::kShared, {64});
  const auto uffd = owner.memory->open_userfaultfd({.missing_shared = true, .minor_shared = true});
  ASSERT_TRUE(uffd.ok()) << uffd.status().message();
  const auto elsewhere = Mapping::map_anonymous(kPageBytes);
  ASSERT_TRUE(elsewhere.ok());
  const auto* word = reinterpret_cast<volatile std::uint64_t*>(elsewhere.value().data());
  const AddressRange other = {reinterpret_cast<std::uintptr_t>(word), kPageBytes};
  ASSERT_TRUE(uffd.value().register_range(other, FaultMode::kMissing).ok());
  const Region& region = owner.memory->regions().front();
  std::vector<GuestMemory::ForeignRegion> regions;
  regions.push_back({UniqueFd(::dup(region.memory_fd.get())), region.guest_base, region.bytes()});
  auto memory = GuestMemory::adopt_foreign(std::move(regions), UniqueFd(::dup(uffd.value().fd())),
                                           UniqueFd(::open("/proc/self/pagemap", O_RDONLY)));
  ASSERT_TRUE(memory.ok()) << memory.status().message();
  auto arriving = std::make_shared<ArrivingMemory>(memory.value());
  ASSERT_TRUE(arriving->mark_missing({0, 64}).ok());
  ASSERT_TRUE(arriving->start_serving([] {}).ok());
  StatusLog failures;
  auto pair = connect_pair();
  auto handler = FaultHandler::start(arriving, owned(std::move(pair.far)), wire::ContentSet::all(),
                                     failures.callback());
  ASSERT_TRUE(handler.ok());
  WatchedThread stranger([&] { (void)*word; });
  stranger.wait_until_asleep();
  WatchedThread guest([&] { read_page(*owner.memory, 5); });
  const auto request = receive_header(pair.near, wire::RecordType::kRequest);
  ASSERT_TRUE(request.ok()) << request.status().message();
  EXPECT_EQ(request.value().value, 5u);
  EXPECT_FALSE(stranger.done());
  handler.value()->close();
  EXPECT_TRUE(uffd.value().unregister_range(other).ok());
  EXPECT_TRUE(uffd.value().unregister_range(region.guest_range()).ok());
}

INSTANTIATE_TEST_SUITE_P(Backings, FaultHandlerOf,
                         ::testing::Values(Backing::kShared, Backing::kPrivate),
                         [](const auto& backing) {
                           return backing.param == Backing::kShared ? "Shared" : "Private";
                         });

TEST(FaultHandler, DoesNotStartWhenTheSystemHasNoThreadLeft) {
  if (const auto why = why_no_post_copy(Backing::kShared); !why.empty()) GTEST_SKIP() << why;
  const TestGuest guest = make_guest(Backing::kShared, {1});
  const auto arriving = std::make_shared<ArrivingMemory>(guest.memory);
  ASSERT_TRUE(arriving->start_serving([] {}).ok());
  auto pair = connect_pair();
  StatusLog failures;
  ThreadLimit limit;
  limit.reach();
  const auto started = FaultHandler::start(arriving, owned(std::move(pair.far)),
                                           wire::ContentSet::all(), failures.callback());
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.status().system_error(), EAGAIN) << started.status().message();
  EXPECT_EQ(failures.count(), 0u);
}

}  // namespace
}  // namespace pageferry
