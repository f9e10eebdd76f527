// Pages that the guest discards after their content was sent: no dirty tracker reports them, and the final
// round must find them.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <optional>
#include <ostream>

#include "send/ferry_test_util.h"
#include "send/page_sender.h"
#include "tracker/tracker_test_util.h"

namespace pageferry {
namespace {

using namespace testing;

enum class Discard { kPunchHole, kRemove, kDontNeed };

struct Way {
  TrackerKind tracker;
  Backing backing;
  Discard discard;
  // The guest has arrived in memory that was populated in huge pages, and moves on.
  bool populated = false;
};

void PrintTo(const Way& way, std::ostream* out) {
  const char* names[] = {"punch hole", "MADV_REMOVE", "MADV_DONTNEED"};
  *out << tracker_name(way.tracker) << ", " << names[static_cast<int>(way.discard)]
       << (way.populated ? ", populated before" : "");
}

bool discard(const GuestMemory& memory, PageRange run, Discard how) {
  const Region& region = memory.region_of(run.first);
  const AddressRange range = memory.guest_range(run);
  auto* start = reinterpret_cast<void*>(range.start);
  switch (how) {
    case Discard::kPunchHole:
      return ::fallocate(region.memory_fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                         static_cast<off_t>(range.start - region.guest_base),
                         static_cast<off_t>(range.bytes)) == 0;
    case Discard::kRemove:
      return ::madvise(start, range.bytes, MADV_REMOVE) == 0;
    case Discard::kDontNeed:
      return ::madvise(start, range.bytes, MADV_DONTNEED) == 0;
  }
  return false;
}

const PageRange kFirst = {100, 3};
const PageRange kSecond = {3000, 1};
const PageRange kThird = {4095, 5};  // crosses a page table
const std::vector<PageRange> kDiscarded = {kFirst, kSecond, kThird};

// Two regions of pages that all have content and were sent in a round; then some were discarded.
class DiscardedPages : public ::testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    const auto [kind, backing, how, populated] = GetParam();
    if (const auto why = why_unavailable(kind, backing); !why.empty()) GTEST_SKIP() << why;
    ferry_.emplace(FerryOptions{.region_pages = {3000, 3000}, .channels = 2, .source = backing});
    source_ = ferry_->shared_source();
    if (populated) {
      ASSERT_TRUE(source_->prefault().ok());
    }
    tracker_ = std::move(make_tracker(kind, source_, ignore_failure).value());
    ASSERT_TRUE(tracker_->arm().ok());
    const PageBitmap all = everything();
    for_each_page(all, [&](PageIndex page) { fill_page(*source_, page, 1); });
    PageBitmap dirty(all.page_count());
    ASSERT_TRUE(tracker_->harvest(dirty.all(), dirty).ok());
    ferry_->ferry_round(dirty);
    for (const PageRange run : kDiscarded) ASSERT_TRUE(discard(*source_, run, how));
  }

  PageBitmap everything() const {
    PageBitmap all(source_->page_count());
    all.set_range(all.all());
    return all;
  }

  SendStats final_round(PageBitmap& pages, PageSender::FinalRound what) {
    return ferry_->ferry([&](PageSender& sender) {
      return testing::final_round(sender, pages, tracker_.get(), what);
    });
  }

  std::optional<Ferry> ferry_;
  std::shared_ptr<GuestMemory> source_;
  std::unique_ptr<DirtyTracker> tracker_;
};

Pages discarded_pages() {
  Pages pages;
  for (const PageRange run : kDiscarded) {
    for (PageIndex page = run.first; page < run.end(); ++page) pages.insert(page);
  }
  return pages;
}

TEST_P(DiscardedPages, AreZeroOnTheDestinationAndTheOthersAsTheyWere) {
  PageBitmap pages(source_->page_count());
  const SendStats stats = final_round(pages, PageSender::FinalRound::kSend);
  EXPECT_EQ(stats.contents[wire::kContentZero].pages, discarded_pages().size());
  EXPECT_EQ(stats.contents[wire::kContentRaw].pages, 0u);
  std::size_t wrong = 0;
  for_each_page(everything(), [&](PageIndex page) {
    const std::uint64_t version = discarded_pages().contains(page) ? 0 : 1;
    if (!holds(ferry_->destination(), page, version)) ++wrong;
  });
  EXPECT_EQ(wrong, 0u);
}

TEST_P(DiscardedPages, AreAnnouncedAsMissingWhereThePagesFollowLater) {
  PageBitmap pages(source_->page_count());
  final_round(pages, PageSender::FinalRound::kAnnounce);
  EXPECT_EQ(pages_of(pages), discarded_pages());
}

// Of shared memory: reading a discarded page of private memory, as sending does, may count as a write of it.
class DiscardedSharedPages : public DiscardedPages {};

TEST_P(DiscardedSharedPages, ThatWereSentAsZerosSinceAreNotSentAgain) {
  PageBitmap pages(source_->page_count());
  for (const PageRange run : kDiscarded) pages.set_range(run);
  ferry_->ferry_round(pages);
  for (const PageRange run : kDiscarded) ASSERT_TRUE(discard(*source_, run, GetParam().discard));
  pages.clear_all();
  EXPECT_EQ(final_round(pages, PageSender::FinalRound::kSend).contents.pages(), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Ways, DiscardedSharedPages,
    ::testing::Values(Way{TrackerKind::kUffdWpAsync, Backing::kShared, Discard::kPunchHole},
                      Way{TrackerKind::kMprotect, Backing::kShared, Discard::kPunchHole}));

INSTANTIATE_TEST_SUITE_P(
    Ways, DiscardedPages,
    ::testing::Values(Way{TrackerKind::kUffdWpAsync, Backing::kShared, Discard::kPunchHole},
                      Way{TrackerKind::kUffdWpAsync, Backing::kShared, Discard::kRemove},
                      Way{TrackerKind::kUffdWpAsync, Backing::kShared, Discard::kPunchHole, true},
                      Way{TrackerKind::kUffdWpSync, Backing::kShared, Discard::kRemove, true},
                      Way{TrackerKind::kUffdWpAsync, Backing::kPrivate, Discard::kDontNeed},
                      Way{TrackerKind::kUffdWpSync, Backing::kShared, Discard::kPunchHole},
                      Way{TrackerKind::kUffdWpSync, Backing::kPrivate, Discard::kDontNeed},
                      Way{TrackerKind::kMprotect, Backing::kShared, Discard::kRemove},
                      Way{TrackerKind::kMprotect, Backing::kPrivate, Discard::kDontNeed}));

}  // namespace
}  // namespace pageferry
