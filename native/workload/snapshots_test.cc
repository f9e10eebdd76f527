#include "workload/snapshots.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "image/image_test_util.h"
#include "workload/trace_pacer.h"
#include "workload/workload.h"

namespace pageferry {
namespace {

constexpr std::uint32_t kPages = 64;

std::shared_ptr<const ImageFile> open(const std::string& path) {
  auto image = ImageFile::open(path);
  EXPECT_TRUE(image.ok()) << image.status().message();
  return image.value();
}

std::shared_ptr<const Snapshots> snapshots_of(const std::string& path) {
  auto snapshots = Snapshots::create(open(path));
  EXPECT_TRUE(snapshots.ok()) << snapshots.status().message();
  return snapshots.value();
}

// Three later snapshots, the first of which changes pages that the others change again.
void write_changing_image(const std::string& path, std::uint32_t contents_from = 1) {
  TestSnapshot first;
  for (std::uint32_t page = 0; page < kPages; page += 2) first[page] = contents_from + page;
  write_image(path, kPages,
              {first, {{0, 200}, {1, 201}, {2, 0}}, {{0, 202}, {63, 203}}, {{0, 1}, {2, 204}}});
}

std::vector<TestPage> memory_at(const ImageFile& image,
                                const std::vector<std::uint32_t>& contents) {
  std::vector<TestPage> memory(contents.size());
  for (std::size_t page = 0; page < contents.size(); ++page) {
    EXPECT_TRUE(image.read_content(contents[page], memory[page]).ok());
  }
  return memory;
}

TEST(Snapshots, WhatTheStepsLeaveIsWhatTheirNumberSays) {
  std::mt19937 random(1);
  for (int round = 0; round < 10; ++round) {
    const TemporaryFolder folder;
    std::vector<TestSnapshot> snapshots(2 + random() % 4);
    for (TestSnapshot& snapshot : snapshots) {
      for (std::uint32_t i = 0; i < 10; ++i) snapshot[random() % kPages] = random() % 300;
    }
    write_image(folder.file("image"), kPages, snapshots);
    const auto goes_through = snapshots_of(folder.file("image"));
    const ImageFile& image = goes_through->image();
    std::vector<TestPage> memory = memory_at(image, first_contents(image));
    for (std::uint64_t operation = 0; operation < 300; ++operation) {
      ASSERT_EQ(memory, memory_at(image, goes_through->contents_after(operation))) << operation;
      const Snapshots::Step step = goes_through->step(operation);
      ASSERT_TRUE(goes_through->apply(step, memory[step.page].data()));
    }
  }
}

TEST(Snapshots, GoForthToTheLastSnapshotAndBackToTheFirst) {
  const TemporaryFolder folder;
  write_changing_image(folder.file("image"));
  const auto snapshots = snapshots_of(folder.file("image"));
  const ImageFile& image = snapshots->image();
  const auto at_page = [&](std::uint32_t page, std::uint64_t operations) {
    return memory_at(image, snapshots->contents_after(operations))[page];
  };
  EXPECT_EQ(at_page(0, 0), page_of(1));
  EXPECT_EQ(at_page(0, 1), page_of(200));
  EXPECT_EQ(at_page(2, 3), page_of(0));
  EXPECT_EQ(at_page(63, 5), page_of(203));
  EXPECT_EQ(at_page(2, 7), page_of(204));
  EXPECT_EQ(at_page(2, 8), page_of(0));
  EXPECT_EQ(at_page(0, 11), page_of(200));
  EXPECT_EQ(snapshots->contents_after(14), first_contents(image));
  EXPECT_EQ(snapshots->contents_after(14 * 1'000'000'000'000 + 5), snapshots->contents_after(5));
}

TEST(Snapshots, APageThatWasNotAsItMustBeIsNoticedWhenItIsWritten) {
  const TemporaryFolder folder;
  write_changing_image(folder.file("image"));
  const auto snapshots = snapshots_of(folder.file("image"));
  TestPage page = page_of(1);
  page[4000] ^= std::byte{1};
  EXPECT_FALSE(snapshots->apply(snapshots->step(0), page.data()));
}

TEST(Snapshots, AreDueEvenlyOverTheTimeBeforeEach) {
  const TemporaryFolder folder;
  write_changing_image(folder.file("image"));
  const auto snapshots = snapshots_of(folder.file("image"));
  const TraceView schedule = snapshots->schedule();
  EXPECT_EQ(schedule.write_count(), 14u);
  EXPECT_EQ(schedule.duration_ns(), 60'000'000u);
  const TraceSpan second = schedule.span_of(4);
  EXPECT_EQ(second.start_ns, 10'000'000u);
  EXPECT_EQ(second.write_count, 2u);
  const TraceSpan back = schedule.span_of(13);
  EXPECT_EQ(back.start_ns, 50'000'000u);
  EXPECT_EQ(back.write_count, 3u);
  EXPECT_EQ(snapshots->longest_wait_ns(), 5'000'000u);
  TracePacer pacer(schedule);
  EXPECT_EQ(pacer.grant(1'000'000'000, 0), 1u);
  EXPECT_EQ(pacer.grant(1'009'999'999, 1), 2u);
}

TEST(Snapshots, AnImageInWhichNothingChangesIsRefused) {
  const TemporaryFolder folder;
  write_image(folder.file("one"), 2, {{{0, 1}}});
  write_image(folder.file("same"), 2, {{{0, 1}}, {}});
  for (const char* name : {"one", "same"}) {
    EXPECT_EQ(Snapshots::create(open(folder.file(name))).status().code(),
              StatusCode::kInvalidArgument);
  }
}

class SnapshotGuest : public testing::Test {
 protected:
  void SetUp() override { write_changing_image(path()); }

  std::string path() const { return folder_.file("image"); }

  static std::shared_ptr<GuestMemory> make_memory(std::uint64_t pages) {
    auto memory = GuestMemory::create_shared({pages * kPageBytes});
    EXPECT_TRUE(memory.ok());
    return memory.value();
  }

  WorkloadConfig config() const {
    WorkloadConfig config;
    config.kind = WorkloadKind::kSnapshots;
    config.fill = FillKind::kImage;
    config.fill_path = path();
    return config;
  }

  std::unique_ptr<Workload> make_guest(std::shared_ptr<GuestMemory> memory) const {
    auto guest = Workload::create(std::move(memory), config());
    EXPECT_TRUE(guest.ok()) << guest.status().message();
    return std::move(guest.value());
  }

  static void run(Workload& guest, std::uint64_t operations) {
    const std::uint64_t end = guest.progress().operations + operations;
    guest.resume();
    while (guest.progress().operations < end) ::usleep(100);
    guest.pause();
  }

  static VerifyResult verify(Workload& guest) {
    const std::atomic<bool> cancelled{false};
    const auto result = guest.verify(2, {1'000'000, 1}, cancelled);
    EXPECT_TRUE(result.ok()) << result.status().message();
    return result.value();
  }

  static void expect_intact(Workload& guest) {
    const VerifyResult result = verify(guest);
    EXPECT_EQ(result.pages_different, 0u) << "first: " << result.first_different;
    EXPECT_EQ(result.failed_reads, 0u);
  }

  // To other memory, with all its bytes.
  Result<std::unique_ptr<Workload>> move_guest(const Workload& guest, const GuestMemory& from,
                                               const std::vector<std::string>& paths) const {
    auto memory = make_memory(from.page_count());
    for (PageIndex page = 0; page < from.page_count(); ++page) {
      std::memcpy(memory->engine_page(page), from.engine_page(page), kPageBytes);
    }
    std::vector<SharedImage> images;
    for (const std::string& path : paths) {
      const auto image = ImageFile::open_checked(path);
      if (!image.ok()) return image.status();
      images.push_back(image.value());
    }
    auto arrived = Workload::arrive(memory, guest.description(), images);
    if (!arrived.ok()) return arrived;
    const Status loaded = arrived.value()->load_state(guest.save_state().value());
    EXPECT_TRUE(loaded.ok()) << loaded.message();
    return arrived;
  }

  const TemporaryFolder folder_;
};

TEST_F(SnapshotGuest, HoldsWhatTheImageSaysHoweverFarItHasRun) {
  for (const std::uint32_t pages : {kPages, kPages + 70}) {
    const auto guest = make_guest(make_memory(pages));
    expect_intact(*guest);
    for (int i = 0; i < 5; ++i) {
      run(*guest, 5);
      expect_intact(*guest);
    }
    EXPECT_EQ(verify(*guest).pages_compared, pages);
  }
}

TEST_F(SnapshotGuest, GoesOnOnTheOtherSide) {
  const auto memory = make_memory(kPages);
  const auto guest = make_guest(memory);
  run(*guest, 10);
  // Found by its id, wherever it lies.
  std::filesystem::copy(path(), folder_.file("copy"));
  write_changing_image(folder_.file("other"), 2);
  const auto moved = move_guest(*guest, *memory, {folder_.file("other"), folder_.file("copy")});
  ASSERT_TRUE(moved.ok()) << moved.status().message();
  expect_intact(*moved.value());
  run(*moved.value(), 10);
  expect_intact(*moved.value());
}

TEST_F(SnapshotGuest, DoesNotArriveWhereItsImageIsNot) {
  const auto memory = make_memory(kPages);
  const auto guest = make_guest(memory);
  write_changing_image(folder_.file("other"), 2);
  EXPECT_EQ(move_guest(*guest, *memory, {}).status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(move_guest(*guest, *memory, {folder_.file("other")}).status().code(),
            StatusCode::kUnsupported);
  EXPECT_EQ(move_guest(*guest, *memory, {folder_.file("none")}).status().system_error(), ENOENT);
}

TEST_F(SnapshotGuest, AByteThatDiffersIsFound) {
  const auto memory = make_memory(kPages + 70);
  const auto guest = make_guest(memory);
  run(*guest, 9);
  for (const PageIndex page : {0u, 17u, 63u, kPages + 69u}) {
    memory->engine_page(page)[77] ^= std::byte{4};
    const VerifyResult result = verify(*guest);
    EXPECT_EQ(result.pages_different, 1u);
    EXPECT_EQ(result.first_different, page);
    memory->engine_page(page)[77] ^= std::byte{4};
  }
}

TEST_F(SnapshotGuest, AWriteThatGotLostIsCountedAlsoWhenItIsWrittenOver) {
  const auto memory = make_memory(kPages);
  const auto guest = make_guest(memory);
  run(*guest, 5);
  // Whatever it held, it was not this.
  const TestPage stale = page_of(999);
  std::memcpy(memory->engine_page(0), stale.data(), kPageBytes);
  run(*guest, 28);
  EXPECT_GT(verify(*guest).failed_reads, 0u);
}

TEST_F(SnapshotGuest, AnImageThatWasDamagedMeanwhileMakesNoGoodGuest) {
  const auto guest = make_guest(make_memory(kPages));
  std::filesystem::resize_file(path(), kPageBytes);
  run(*guest, 5);
  EXPECT_GT(verify(*guest).failed_reads, 0u);
  EXPECT_GT(verify(*guest).pages_different, 0u);
}

TEST_F(SnapshotGuest, WhatCannotBeGoneThroughIsRefused) {
  const auto refused = [&](std::uint64_t pages, auto change) {
    WorkloadConfig changed = config();
    change(changed);
    return Workload::create(make_memory(pages), changed).status().code() ==
           StatusCode::kInvalidArgument;
  };
  EXPECT_FALSE(refused(kPages, [](WorkloadConfig&) {}));
  EXPECT_TRUE(refused(kPages - 1, [](WorkloadConfig&) {}));
  EXPECT_TRUE(refused(kPages, [](WorkloadConfig& config) { config.threads = 2; }));
  EXPECT_TRUE(refused(kPages, [](WorkloadConfig& config) { config.writes_per_second = 1; }));
  EXPECT_TRUE(refused(kPages, [](WorkloadConfig& config) { config.fill = FillKind::kText; }));
  std::vector<char> damaged = bytes_of_file(path());
  damaged[kPageBytes + 9] ^= 1;
  write_file(path(), damaged);
  EXPECT_TRUE(refused(kPages, [](WorkloadConfig&) {}));
}

TEST_F(SnapshotGuest, AnImageFillsOtherGuestsToo) {
  for (const std::uint64_t pages : {20u, 65u, 200u}) {
    const auto memory = make_memory(pages);
    WorkloadConfig other = config();
    other.kind = WorkloadKind::kUniform;
    auto guest = Workload::create(memory, other);
    ASSERT_TRUE(guest.ok()) << guest.status().message();
    expect_intact(*guest.value());
    const std::uint64_t own = pages - 2;  // at most two are the appendix
    for (PageIndex page = 0; page < own; ++page) {
      const auto number = static_cast<std::uint32_t>(page % kPages);
      const TestPage expected = page_of(number % 2 == 0 ? number + 1 : 0);
      EXPECT_EQ(std::memcmp(memory->engine_page(page), expected.data(), kPageBytes), 0) << page;
    }
    run(*guest.value(), 500);
    // No image is needed where its digests have come.
    const auto moved = move_guest(*guest.value(), *memory, {});
    ASSERT_TRUE(moved.ok()) << moved.status().message();
    expect_intact(*moved.value());
  }
}

}  // namespace
}  // namespace pageferry
