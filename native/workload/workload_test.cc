#include "workload/workload.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <fstream>
#include <thread>

#include "os/mapping.h"
#include "workload/page_slot.h"

namespace pageferry {
namespace {

constexpr std::uint64_t kPages = 96;
const std::atomic<bool> kNotCancelled{false};

constexpr WorkloadKind kAllKinds[] = {
    WorkloadKind::kIdle, WorkloadKind::kSequential, WorkloadKind::kUniform, WorkloadKind::kHotset,
    WorkloadKind::kZipf, WorkloadKind::kPhased,     WorkloadKind::kKv};

std::shared_ptr<GuestMemory> make_memory() {
  auto memory = GuestMemory::create_shared({5 * kPageBytes, (kPages - 5) * kPageBytes});
  EXPECT_TRUE(memory.ok()) << memory.status().message();
  return memory.value();
}

std::unique_ptr<Workload> make_guest(std::shared_ptr<GuestMemory> memory,
                                     const WorkloadConfig& config) {
  auto guest = Workload::create(std::move(memory), config);
  EXPECT_TRUE(guest.ok()) << guest.status().message();
  return std::move(guest.value());
}

// Runs the guest until it has done this many operations more, and pauses it.
void run(Workload& guest, std::uint64_t operations) {
  const std::uint64_t end = guest.progress().operations + operations;
  guest.resume();
  while (guest.progress().operations < end) std::this_thread::yield();
  guest.pause();
}

constexpr PageSample kEveryPage{~std::uint64_t{0}, 1};

VerifyResult verify(Workload& guest, unsigned threads = 2) {
  auto result = guest.verify(threads, kEveryPage, kNotCancelled);
  EXPECT_TRUE(result.ok()) << result.status().message();
  return result.value();
}

void expect_intact(Workload& guest) {
  const VerifyResult result = verify(guest);
  EXPECT_EQ(result.pages_compared, kPages);
  EXPECT_EQ(result.pages_different, 0u) << "first: " << result.first_different;
  EXPECT_EQ(result.failed_reads, 0u);
}

void copy_pages(const GuestMemory& from, const GuestMemory& to) {
  PageBitmap populated(from.page_count());
  ASSERT_TRUE(from.find_populated(populated).ok());
  populated.for_each_run(populated.all(), [&](PageRange run) {
    for (PageIndex page = run.first; page < run.end(); ++page) {
      std::memcpy(to.engine_page(page), from.engine_page(page), kPageBytes);
    }
  });
}

// Carries a paused guest over to fresh memory.
std::unique_ptr<Workload> move_guest(const Workload& guest, const GuestMemory& from) {
  const auto memory = make_memory();
  auto arrived = Workload::arrive(memory, guest.description());
  EXPECT_TRUE(arrived.ok()) << arrived.status().message();
  copy_pages(from, *memory);
  const auto state = guest.save_state();
  EXPECT_TRUE(state.ok());
  EXPECT_TRUE(arrived.value()->load_state(state.value()).ok());
  return std::move(arrived.value());
}

class FillFile {
 public:
  FillFile() : path_(testing::TempDir() + "workload_fill_XXXXXX") {
    ::close(::mkstemp(path_.data()));
    std::ofstream file(path_);
    for (int i = 0; i < 9000; ++i) file << i << ' ';
  }
  ~FillFile() { ::unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(Workload, EveryProgramOnEveryFillVerifiesBeforeAndAfterAMove) {
  const FillFile file;
  for (const WorkloadKind kind : kAllKinds) {
    for (const FillKind fill :
         {FillKind::kZero, FillKind::kRandom, FillKind::kText, FillKind::kFile}) {
      SCOPED_TRACE(testing::Message() << static_cast<int>(kind) << " " << static_cast<int>(fill));
      WorkloadConfig config;
      config.kind = kind;
      config.fill = fill;
      config.fill_path = file.path();
      config.threads = 3;
      config.working_set_bytes = 80 * kPageBytes;
      const auto memory = make_memory();
      const auto guest = make_guest(memory, config);
      expect_intact(*guest);
      const std::uint64_t operations = kind == WorkloadKind::kIdle ? 0 : 3000;
      run(*guest, operations);
      expect_intact(*guest);
      const auto moved = move_guest(*guest, *memory);
      EXPECT_EQ(moved->progress().operations, guest->progress().operations);
      expect_intact(*moved);
      run(*moved, operations);
      expect_intact(*moved);
    }
  }
}

TEST(Workload, AGuestFilledFromAProcessVerifiesAfterAMove) {
  WorkloadConfig config;
  config.fill = FillKind::kProcess;
  config.fill_pid = ::getpid();
  const auto memory = make_memory();
  auto guest = Workload::create(memory, config);
  if (guest.status().code() == StatusCode::kNoPermission) GTEST_SKIP() << guest.status().message();
  ASSERT_TRUE(guest.ok()) << guest.status().message();
  run(*guest.value(), 1000);
  expect_intact(*guest.value());
  EXPECT_FALSE(guest.value()->fill_summary().empty());
  const auto moved = move_guest(*guest.value(), *memory);
  expect_intact(*moved);
}

TEST(Workload, EverySizeOfPageWriteVerifies) {
  for (const WorkloadKind kind : {WorkloadKind::kUniform, WorkloadKind::kKv}) {
    for (const std::uint32_t bytes : {8u, 16u, 24u, 64u, 1000u, 4088u, 4096u}) {
      WorkloadConfig config;
      config.kind = kind;
      config.write_bytes = bytes;
      config.fill = FillKind::kText;
      const auto guest = make_guest(make_memory(), config);
      run(*guest, 2000);
      expect_intact(*guest);
    }
  }
}

TEST(Workload, TheSameSeedGivesTheSamePagesAfterTheSameOperations) {
  WorkloadConfig config;
  config.kind = WorkloadKind::kZipf;
  const auto first_memory = make_memory();
  const auto first = make_guest(first_memory, config);
  run(*first, 5000);
  // A second guest that is told to be where the first is verifies only with the first one's pages.
  const auto second_memory = make_memory();
  const auto second = make_guest(second_memory, config);
  ASSERT_TRUE(second->load_state(first->save_state().value()).ok());
  EXPECT_GT(verify(*second).pages_different, 0u);
  copy_pages(*first_memory, *second_memory);
  expect_intact(*second);
  config.seed = 2;
  const auto third = make_guest(make_memory(), config);
  ASSERT_TRUE(third->load_state(first->save_state().value()).ok());
  EXPECT_GT(verify(*third).pages_different, 0u);
}

TEST(Workload, ALostWriteIsFoundHoweverManyWritesFollow) {
  for (const WorkloadKind kind : {WorkloadKind::kUniform, WorkloadKind::kKv}) {
    WorkloadConfig config;
    config.kind = kind;
    const auto memory = make_memory();
    const auto guest = make_guest(memory, config);
    run(*guest, 1000);
    std::byte stale[kPageBytes];
    std::memcpy(stale, memory->engine_page(17), kPageBytes);
    while (std::memcmp(stale, memory->engine_page(17), kPageBytes) == 0) run(*guest, 1000);
    std::memcpy(memory->engine_page(17), stale, kPageBytes);
    run(*guest, 50'000);
    const VerifyResult result = verify(*guest);
    EXPECT_EQ(result.pages_different, 1u);
    EXPECT_EQ(result.first_different, 17u);
  }
}

TEST(Workload, ASampleFindsADamagedPageThatIsInItAndNoOther) {
  WorkloadConfig config;
  config.fill = FillKind::kRandom;
  const auto memory = make_memory();
  const auto guest = make_guest(memory, config);
  run(*guest, 5000);
  const PageSample sample{8, 5};
  const auto sampled = [&] { return guest->verify(2, sample, kNotCancelled).value(); };
  EXPECT_EQ(sampled().pages_compared, 8u);
  EXPECT_EQ(sampled().pages_different, 0u);
  const PageIndex inside = sample.page(3, kPages);
  memory->engine_page(inside)[99] ^= std::byte{1};
  EXPECT_EQ(sampled().pages_different, 1u);
  EXPECT_EQ(sampled().first_different, inside);
  memory->engine_page(inside)[99] ^= std::byte{1};
  const PageIndex beside = inside + 1 < sample.page(4, kPages) ? inside + 1 : inside - 1;
  memory->engine_page(beside)[99] ^= std::byte{1};
  EXPECT_EQ(sampled().pages_different, 0u);
  EXPECT_EQ(verify(*guest).pages_different, 1u);
}

TEST(Workload, ATornWriteIsFound) {
  WorkloadConfig config;
  config.write_bytes = 4096;
  const auto memory = make_memory();
  const auto guest = make_guest(memory, config);
  run(*guest, 2000);
  std::byte before[kPageBytes];
  std::memcpy(before, memory->engine_page(3), kPageBytes);
  while (std::memcmp(before, memory->engine_page(3), kPageBytes) == 0) run(*guest, 500);
  expect_intact(*guest);
  std::memcpy(memory->engine_page(3) + 1024, before + 1024, 512);
  EXPECT_EQ(verify(*guest).pages_different, 1u);
}

TEST(Workload, OneFlippedBitInAPageThatIsNeverWrittenIsFound) {
  const FillFile file;
  for (const FillKind fill :
       {FillKind::kZero, FillKind::kRandom, FillKind::kText, FillKind::kFile}) {
    WorkloadConfig config;
    config.working_set_bytes = 10 * kPageBytes;
    config.fill = fill;
    config.fill_path = file.path();
    const auto memory = make_memory();
    const auto guest = make_guest(memory, config);
    run(*guest, 1000);
    for (const std::size_t at : {0u, 1234u, 4095u}) {
      memory->engine_page(50)[at] ^= std::byte{16};
      const VerifyResult result = verify(*guest);
      EXPECT_EQ(result.pages_different, 1u);
      EXPECT_EQ(result.first_different, 50u);
      memory->engine_page(50)[at] ^= std::byte{16};
    }
    expect_intact(*guest);
  }
}

TEST(Workload, AKvGuestCountsReadsThatFindADamagedValue) {
  WorkloadConfig config;
  config.kind = WorkloadKind::kKv;
  const auto memory = make_memory();
  const auto guest = make_guest(memory, config);
  for (PageIndex page = 0; page < kPages; ++page) {
    for (std::size_t at = 24; at < kPageBytes; at += 64)
      memory->engine_page(page)[at] ^= std::byte{1};
  }
  run(*guest, 5000);
  EXPECT_GT(verify(*guest).failed_reads, 0u);
}

TEST(Workload, VerifyingAnUntouchedGuestLeavesItUntouched) {
  auto memory = GuestMemory::create_shared({std::uint64_t{4} << 30});
  ASSERT_TRUE(memory.ok());
  WorkloadConfig config;
  config.kind = WorkloadKind::kIdle;
  const auto guest = make_guest(memory.value(), config);
  const VerifyResult result = verify(*guest);
  EXPECT_EQ(result.pages_compared, std::uint64_t{1} << 20);
  EXPECT_EQ(result.pages_different, 0u);
  PageBitmap populated(memory.value()->page_count());
  ASSERT_TRUE(memory.value()->find_populated(populated).ok());
  EXPECT_EQ(populated.count(), 0u);
}

TEST(Workload, APausedGuestChangesNothingEvenUnderARateLimit) {
  for (const std::uint64_t rate : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1'000'000}}) {
    WorkloadConfig config;
    config.threads = 2;
    config.writes_per_second = rate;
    const auto memory = make_memory();
    const auto guest = make_guest(memory, config);
    for (int i = 0; i < 20; ++i) {
      guest->resume();
      std::this_thread::yield();
      guest->pause();
      const std::uint64_t operations = guest->progress().operations;
      expect_intact(*guest);
      EXPECT_EQ(guest->progress().operations, operations);
    }
  }
}

TEST(Workload, PauseAndResumeMayBeRepeated) {
  const auto guest = make_guest(make_memory(), {});
  guest->pause();
  guest->resume();
  guest->resume();
  EXPECT_FALSE(guest->save_state().ok());
  EXPECT_FALSE(guest->verify(1, kEveryPage, kNotCancelled).ok());
  guest->pause();
  guest->pause();
  EXPECT_TRUE(guest->save_state().ok());
}

TEST(Workload, VerifyEndsWhenCancelled) {
  const auto guest = make_guest(make_memory(), {});
  const std::atomic<bool> cancelled{true};
  EXPECT_EQ(guest->verify(2, kEveryPage, cancelled).status().code(), StatusCode::kCancelled);
}

TEST(Workload, AnEndlessOperationCountFromAPeerCanBeCancelled) {
  const auto guest = make_guest(make_memory(), {});
  std::vector<std::uint8_t> state = guest->save_state().value();
  for (std::size_t at = 6; at < 22; ++at) state[at] = 0xff;  // operations and page writes
  ASSERT_TRUE(guest->load_state(state).ok());
  std::atomic<bool> cancelled{false};
  std::thread canceller([&] { cancelled = true; });
  EXPECT_EQ(guest->verify(1, kEveryPage, cancelled).status().code(), StatusCode::kCancelled);
  canceller.join();
}

TEST(Workload, AConfigurationThatDoesNotFitIsRefused) {
  const auto refused = [](auto change) {
    WorkloadConfig config;
    change(config);
    return Workload::create(make_memory(), config).status().code() == StatusCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused([](WorkloadConfig& config) { config.write_bytes = 0; }));
  EXPECT_TRUE(refused([](WorkloadConfig& config) { config.write_bytes = 12; }));
  EXPECT_TRUE(refused([](WorkloadConfig& config) { config.write_bytes = 4104; }));
  EXPECT_TRUE(refused([](WorkloadConfig& config) { config.threads = 0; }));
  EXPECT_TRUE(refused([](WorkloadConfig& config) { config.threads = kPages + 1; }));
  EXPECT_TRUE(
      refused([](WorkloadConfig& config) { config.working_set_bytes = kPages * kPageBytes + 1; }));
}

TEST(Workload, AnIdleGuestHasNoGaps) {
  WorkloadConfig config;
  config.kind = WorkloadKind::kIdle;
  const auto guest = make_guest(make_memory(), config);
  guest->start_gap_watch();
  guest->resume();
  EXPECT_EQ(guest->longest_gap_ns(), 0u);
}

TEST(Workload, SaysHowFarApartItsMarksMayBe) {
  const auto resolution = [](std::uint64_t writes_per_second, std::uint32_t threads) {
    WorkloadConfig config;
    config.writes_per_second = writes_per_second;
    config.threads = threads;
    return make_guest(make_memory(), config)->gap_resolution_ns();
  };
  EXPECT_EQ(resolution(0, 1), 100'000u);
  EXPECT_EQ(resolution(80'000, 1), 200'000u);
  EXPECT_NEAR(static_cast<double>(resolution(10, 2)), 200e6, 1);
}

TEST(Workload, TheLongestGapTravelsWithTheGuestAndCountsItsTimeAway) {
  constexpr std::uint64_t kHour = std::uint64_t{3600} * 1'000'000'000;
  WorkloadConfig config;
  config.threads = 2;
  const auto memory = make_memory();
  const auto guest = make_guest(memory, config);
  run(*guest, 1000);
  guest->start_gap_watch();
  run(*guest, 1000);
  EXPECT_GT(guest->longest_gap_ns(), 0u);
  const auto moved = move_guest(*guest, *memory);
  EXPECT_LT(moved->longest_gap_ns(), kHour);
  moved->set_time_away(kHour);
  run(*moved, 1000);
  EXPECT_GE(moved->longest_gap_ns(), kHour);
  EXPECT_LT(moved->longest_gap_ns(), 2 * kHour);
  moved->start_gap_watch();
  EXPECT_LT(moved->longest_gap_ns(), kHour);
}

TEST(Workload, PrivateMemoryWorksToo) {
  auto mapping = Mapping::map_anonymous(kPages * kPageBytes);
  ASSERT_TRUE(mapping.ok());
  const auto start = reinterpret_cast<std::uintptr_t>(mapping.value().data());
  auto memory = GuestMemory::adopt_private({{start, kPages * kPageBytes}});
  ASSERT_TRUE(memory.ok()) << memory.status().message();
  const auto guest = make_guest(memory.value(), {});
  guest->resume();
  std::byte copy[kPageBytes];
  // As the engine does, while the guest writes the same addresses.
  for (int i = 0; i < 1000; ++i) std::copy_n(memory.value()->engine_page(i % kPages), 1, copy);
  guest->pause();
  run(*guest, 1000);
  expect_intact(*guest);
}

// Of 40 pages: 10 ms in which every third is written, 10 ms in which pages 5 and 6 are.
Trace make_trace() {
  Trace trace{40, {}, {}};
  for (std::uint32_t page = 0; page < 40; page += 3) trace.writes.push_back(page);
  trace.intervals.push_back({10'000'000, trace.writes.size()});
  trace.writes.insert(trace.writes.end(), {5, 6});
  trace.intervals.push_back({20'000'000, trace.writes.size()});
  return trace;
}

std::unique_ptr<Workload> make_traced(std::shared_ptr<GuestMemory> memory, const Trace& trace,
                                      FillKind fill = FillKind::kZero) {
  WorkloadConfig config;
  config.kind = WorkloadKind::kTrace;
  config.fill = fill;
  auto guest = Workload::create(std::move(memory), config, trace);
  EXPECT_TRUE(guest.ok()) << guest.status().message();
  return std::move(guest.value());
}

TEST(Workload, ATraceWritesThePagesThatWereRecordedAndNoOthers) {
  const auto memory = make_memory();
  const Trace trace = make_trace();
  const auto guest = make_traced(memory, trace);
  run(*guest, trace.writes.size());
  expect_intact(*guest);
  PageBitmap populated(memory->page_count());
  ASSERT_TRUE(memory->find_populated(populated).ok());
  for (PageIndex page = 0; page < kPages - 1; ++page) {  // the last one is the appendix
    EXPECT_EQ(populated.test(page), page < 40 && (page % 3 == 0 || page == 5)) << page;
  }
}

TEST(Workload, ATraceGoesOnOnTheOtherSideAndVerifies) {
  for (const FillKind fill : {FillKind::kZero, FillKind::kText}) {
    const auto memory = make_memory();
    const auto guest = make_traced(memory, make_trace(), fill);
    run(*guest, 100);
    const auto moved = move_guest(*guest, *memory);
    expect_intact(*moved);
    run(*moved, 100);
    expect_intact(*moved);
    EXPECT_GE(moved->progress().operations, 200u);
  }
}

TEST(Workload, ATraceOfMorePagesThanTheMemoryHasIsScaledDown) {
  Trace trace{1000, {{1'000'000, 3}}, {0, 500, 999}};
  const auto memory = make_memory();
  const auto guest = make_traced(memory, trace);
  EXPECT_EQ(guest->config().working_set_bytes, (kPages - 1) * kPageBytes);
  run(*guest, 3);
  expect_intact(*guest);
  PageBitmap populated(memory->page_count());
  ASSERT_TRUE(memory->find_populated(populated).ok());
  for (const PageIndex page : {0u, 47u, 94u, 95u}) EXPECT_TRUE(populated.test(page)) << page;
  EXPECT_EQ(populated.count(), 4u);
}

TEST(Workload, AnAppendixThatDiffersIsFoundAndNothingElseIsCompared) {
  const auto memory = make_memory();
  const auto guest = make_traced(memory, make_trace());
  run(*guest, 50);
  memory->engine_page(kPages - 1)[4095] ^= std::byte{1};
  const VerifyResult result = verify(*guest);
  EXPECT_EQ(result.pages_compared, 1u);
  EXPECT_EQ(result.pages_different, 1u);
  EXPECT_EQ(result.first_different, kPages - 1);
}

TEST(Workload, ATraceWhoseBytesAPeerMadeUpStaysWithinTheWorkingSet) {
  const auto source = make_memory();
  const auto guest = make_traced(source, make_trace());
  const auto memory = make_memory();
  auto arrived = Workload::arrive(memory, guest->description());
  ASSERT_TRUE(arrived.ok());
  std::memset(memory->engine_page(kPages - 1), 0xff, kPageBytes);
  ASSERT_TRUE(arrived.value()->load_state(guest->save_state().value()).ok());
  run(*arrived.value(), 1000);
  EXPECT_EQ(verify(*arrived.value()).pages_different, 1u);
  PageBitmap populated(memory->page_count());
  ASSERT_TRUE(memory->find_populated(populated).ok());
  EXPECT_EQ(populated.count(), 2u);  // the first page, and the appendix
}

TEST(Workload, ATraceThatCannotBeReplayedIsRefused) {
  const auto refused = [](const Trace& trace, auto change) {
    WorkloadConfig config;
    config.kind = WorkloadKind::kTrace;
    change(config);
    const auto guest = Workload::create(make_memory(), config, trace);
    return guest.status().code() == StatusCode::kInvalidArgument;
  };
  const auto as_it_is = [](WorkloadConfig&) {};
  EXPECT_FALSE(refused(make_trace(), as_it_is));
  EXPECT_TRUE(refused({}, as_it_is));
  EXPECT_TRUE(refused({4, {{10, 0}}, {}}, as_it_is));
  EXPECT_TRUE(refused({1, {{10, 100'000}}, std::vector<std::uint32_t>(100'000)}, as_it_is));
  EXPECT_TRUE(refused(make_trace(), [](WorkloadConfig& config) { config.threads = 2; }));
  EXPECT_TRUE(refused(make_trace(), [](WorkloadConfig& config) { config.writes_per_second = 5; }));
  EXPECT_TRUE(
      refused(make_trace(), [](WorkloadConfig& config) { config.kind = WorkloadKind::kUniform; }));
}

TEST(Workload, ADigestIsKeptForEachPageHoweverLargeTheGuest) {
  const FillFile file;
  auto memory = GuestMemory::create_shared({10'000 * kPageBytes});
  ASSERT_TRUE(memory.ok());
  WorkloadConfig config;
  config.fill = FillKind::kFile;
  config.fill_path = file.path();
  const auto guest = make_guest(memory.value(), config);
  EXPECT_LT(guest->description().size(), 100u);
  run(*guest, 1000);
  EXPECT_EQ(verify(*guest).pages_different, 0u);
  memory.value()->engine_page(9'000)[1] ^= std::byte{1};
  EXPECT_EQ(verify(*guest).first_different, 9'000u);
}

TEST(Workload, MayBeDestroyedWhileItRuns) {
  const auto guest = make_guest(make_memory(), {});
  guest->resume();
}

}  // namespace
}  // namespace pageferry
