// The guest writes on while its pages are sent as deltas. A base that is not what the destination has makes a page wrong that
// nobody sends again, so what counts is that both sides are the same after the last round, to the byte.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <random>
#include <string>
#include <thread>

#include "os/thread_test_util.h"
#include "send/ferry_test_util.h"
#include "tracker/tracker_test_util.h"
#include "workload/guest_words.h"

namespace pageferry {
namespace {

using namespace testing;

const std::vector<std::uint64_t> kRegions = {1100, 1, 200};
// Every fifth page is written, of both stripes.
constexpr std::uint64_t kBusyPages = 250;

struct Race {
  std::string name;
  Rung rung;
  Deltas deltas;
  std::size_t encoders;
  std::uint64_t version_bytes;
};

// How GoogleTest names it.
void PrintTo(const Race& race, std::ostream* out) { *out << race.name; }

Rung blocks(Encoding encoding) {
  return {.method = Method::kBlocks, .encoding = encoding, .level = 1, .block_pages = 16};
}

// As a guest writes, whom nothing keeps from it while the engine reads.
void write_word(const GuestMemory& memory, PageIndex page, std::uint64_t index,
                std::uint64_t word) {
  store_guest_word(memory.guest_page(page) + index * sizeof(word), word);
}

// Content that shrinks, of which every page has its own.
void fill_compressible(const GuestMemory& memory, PageIndex page, std::uint64_t version) {
  for (std::uint64_t i = 0; i < kWordsPerPage; ++i) {
    write_word(memory, page, i, page * 1000 + version + i / 16);
  }
}

void fill_with(const GuestMemory& memory, PageIndex page, std::uint64_t version) {
  for (std::uint64_t i = 0; i < kWordsPerPage; ++i) {
    write_word(memory, page, i, word_of(page, version, i));
  }
}

// Writes pages, as long as it lives: mostly a few words of a page, sometimes all of it.
class Writer {
 public:
  Writer(const GuestMemory& memory, unsigned seed)
      : thread_([this, &memory, seed] { write(memory, seed); }) {}
  ~Writer() { pause(); }
  void pause() {
    paused_ = true;
    if (thread_.joinable()) thread_.join();
  }
  std::uint64_t writes() const { return writes_; }

 private:
  void write(const GuestMemory& memory, unsigned seed) {
    std::mt19937_64 random(seed);
    while (!paused_) {
      const PageIndex page = random() % kBusyPages * 5;
      switch (random() % 64) {
        case 0:
          fill_with(memory, page, 0);
          break;
        case 1:
          fill_with(memory, page, random());
          break;
        case 2:
          fill_compressible(memory, page, random());
          break;
        default:
          for (int i = 0; i < 4; ++i) {
            write_word(memory, page, random() % kWordsPerPage, random());
          }
      }
      ++writes_;
    }
  }

  std::atomic<bool> paused_ = false;
  std::atomic<std::uint64_t> writes_ = 0;
  std::thread thread_;
};

std::uint64_t different_pages(const Ferry& ferry) {
  std::uint64_t different = 0;
  for (PageIndex page = 0; page < ferry.source().page_count(); ++page) {
    const auto* at = ferry.source().engine_page(page);
    if (!std::equal(at, at + kPageBytes, ferry.destination().engine_page(page))) ++different;
  }
  return different;
}

std::uint64_t deltas_in(const ClassStats& contents) {
  return contents[wire::kContentZstdDelta].pages + contents[wire::kContentLz4Delta].pages +
         contents[wire::kContentXbzrle].pages;
}

class DeltaRace : public ::testing::TestWithParam<Race> {};

TEST_P(DeltaRace, WhateverTheGuestWritesDuringRoundsBothSidesAreTheSameAfterTheLast) {
  const auto kind = TrackerKind::kUffdWpAsync;
  if (const auto why = why_unavailable(kind, Backing::kShared); !why.empty()) GTEST_SKIP() << why;
  const Race& race = GetParam();
  Ferry ferry({.region_pages = kRegions,
               .channels = 2,
               .sending = {.effort = {.lower = race.rung,
                                      .upper = race.rung,
                                      .deltas = race.deltas,
                                      .encoders = static_cast<std::uint8_t>(race.encoders),
                                      .queue_units = 4},
                           .encoders = race.encoders,
                           .version_bytes = race.version_bytes}});
  for (PageIndex page = 0; page < ferry.source().page_count(); ++page) {
    fill_compressible(ferry.source(), page, 1);
  }
  auto made = make_tracker(kind, ferry.shared_source(), ignore_failure);
  ASSERT_TRUE(made.ok()) << made.status().message();
  DirtyTracker& tracker = *made.value();
  ASSERT_TRUE(tracker.arm().ok());
  PageBitmap pages(ferry.source().page_count());
  std::uint64_t deltas = 0;
  {
    Writer writer(ferry.source(), 1);
    ferry.ferry_round(populated_pages(ferry.source()));
    for (int round = 0; round < 20; ++round) {
      const std::uint64_t before = writer.writes();
      wait_until([&] { return writer.writes() > before + 100; });
      pages.clear_all();
      ASSERT_TRUE(tracker.harvest(pages.all(), pages).ok());
      // Every second round takes pages that are being written, too.
      deltas += deltas_in(ferry.ferry_round(pages, round % 2 == 0 ? &tracker : nullptr).contents);
      EXPECT_LE(ferry.sender().version_bytes(), race.version_bytes);
    }
  }
  pages.clear_all();
  ASSERT_TRUE(tracker.harvest(pages.all(), pages).ok());
  ferry.ferry([&](PageSender& sender) {
    return final_round(sender, pages, &tracker, PageSender::FinalRound::kSend);
  });
  EXPECT_EQ(different_pages(ferry), 0u);
  EXPECT_EQ(deltas > 0, race.version_bytes > 0);
}

constexpr std::uint64_t kPlenty = std::uint64_t{64} << 20;
// Room for the versions of a few pages.
constexpr std::uint64_t kTiny = 300'000;

INSTANTIATE_TEST_SUITE_P(
    Efforts, DeltaRace,
    ::testing::Values(
        Race{"ZstdWithoutEncoders", blocks(Encoding::kZstd), Deltas::kZstd, 0, kPlenty},
        Race{"ZstdWithThree", blocks(Encoding::kZstd), Deltas::kZstd, 3, kPlenty},
        Race{"ZstdWithLittleRoom", blocks(Encoding::kZstd), Deltas::kZstd, 3, kTiny},
        Race{"ByChangeWithTwo", blocks(Encoding::kZstd), Deltas::kByChange, 2, kPlenty},
        Race{"Lz4WithTwo", blocks(Encoding::kLz4), Deltas::kLz4, 2, kPlenty},
        Race{"Lz4WithLittleRoom", blocks(Encoding::kLz4), Deltas::kLz4, 1, kTiny},
        Race{"XbzrleWithTwo", {}, Deltas::kXbzrle, 2, kPlenty},
        Race{"XbzrleWithLittleRoom", {}, Deltas::kXbzrle, 0, kTiny}),
    [](const auto& race) { return race.param.name; });

}  // namespace
}  // namespace pageferry
