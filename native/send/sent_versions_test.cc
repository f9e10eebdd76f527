#include "send/sent_versions.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "codec/block_test_util.h"
#include "wire/contents.h"

namespace pageferry {
namespace {

using testing::Bytes;
using testing::Random;

constexpr std::uint64_t kPages = 4 * wire::kStripePages;
constexpr std::uint64_t kPlenty = std::uint64_t{64} << 20;
using Members = std::vector<PageIndex>;

// What it takes to find the versions of a stripe.
std::uint64_t stripe_bytes() {
  SentVersions versions(kPages, kPlenty);
  versions.keep_page(0, Bytes(kPageBytes));
  return versions.bytes_held() - kPageBytes;
}

Bytes encoded(Encoding encoding, const Bytes& pages) {
  return testing::encode_whole(*make_block_encoder(encoding), pages, {});
}

std::span<const std::byte> page_in(const Bytes& pages, std::size_t member) {
  return std::span(pages).subspan(member * kPageBytes, kPageBytes);
}

// The version; nothing when there is none.
std::optional<Bytes> read(const SentVersions& versions, PageIndex page, VersionReader& reader) {
  const std::byte* found = versions.find(page, reader);
  EXPECT_EQ(found != nullptr, versions.has(page)) << page;
  return found != nullptr ? std::optional(Bytes(found, found + kPageBytes)) : std::nullopt;
}

Bytes copy_of(std::span<const std::byte> page) { return {page.begin(), page.end()}; }

class SentVersionsInBlocks : public ::testing::TestWithParam<Encoding> {};

TEST_P(SentVersionsInBlocks, EachMemberOfABlockIsReadBackAndNoPageBetween) {
  Random random(1);
  const Members members = {1030, 1031, 1040, 1500, 2047};
  const Bytes pages = testing::words(random, members.size() * kPageBytes);
  const Bytes block = encoded(GetParam(), pages);
  SentVersions versions(kPages, kPlenty);
  versions.keep_block(members, GetParam(), block);
  VersionReader reader;
  for (std::size_t i = members.size(); i-- > 0;) {
    EXPECT_EQ(read(versions, members[i], reader), copy_of(page_in(pages, i))) << members[i];
  }
  for (const PageIndex page : {6, 1024, 1032, 2046, 2048}) EXPECT_FALSE(versions.has(page)) << page;
  EXPECT_EQ(versions.bytes_held(), stripe_bytes() + block.size());
}

INSTANTIATE_TEST_SUITE_P(Encodings, SentVersionsInBlocks,
                         ::testing::Values(Encoding::kLz4, Encoding::kZstd, Encoding::kWkdm64),
                         [](const auto& encoding) { return testing::name_of(encoding.param); });

TEST(SentVersions, ACopyIsReadBackAndTheNextOneTakesItsPlace) {
  Random random(2);
  SentVersions versions(kPages, kPlenty);
  VersionReader reader;
  for (int i = 0; i < 3; ++i) {
    const Bytes page = testing::noise(random, kPageBytes);
    versions.keep_page(77, page);
    EXPECT_EQ(read(versions, 77, reader), page);
    EXPECT_EQ(versions.bytes_held(), stripe_bytes() + kPageBytes);
  }
}

TEST(SentVersions, AForgottenCopyIsGoneAndItsPlaceStaysTaken) {
  SentVersions versions(kPages, kPlenty);
  versions.forget(5);
  versions.keep_page(5, Bytes(kPageBytes));
  versions.keep_page(6, Bytes(kPageBytes));
  versions.forget(5);
  versions.forget(5);
  EXPECT_FALSE(versions.has(5));
  EXPECT_TRUE(versions.has(6));
  EXPECT_EQ(versions.bytes_held(), stripe_bytes() + 2 * kPageBytes);
  versions.keep_page(5, Bytes(kPageBytes));
  EXPECT_EQ(versions.bytes_held(), stripe_bytes() + 2 * kPageBytes);
}

TEST(SentVersions, ABlockGoesWithTheLastOfItsVersionsAndNoSooner) {
  Random random(3);
  const Members members = {10, 11, 12};
  const Bytes pages = testing::text(random, members.size() * kPageBytes);
  const Bytes block = encoded(Encoding::kZstd, pages);
  const std::uint64_t stripe = stripe_bytes();
  SentVersions versions(kPages, kPlenty);
  versions.keep_block(members, Encoding::kZstd, block);
  VersionReader reader;
  versions.keep_page(10, Bytes(kPageBytes, std::byte{1}));  // replaced by a copy
  EXPECT_EQ(versions.bytes_held(), stripe + block.size() + kPageBytes);
  versions.forget(12);
  EXPECT_EQ(versions.bytes_held(), stripe + block.size() + kPageBytes);
  EXPECT_EQ(read(versions, 11, reader), copy_of(page_in(pages, 1)));
  const Bytes other = encoded(Encoding::kLz4, copy_of(page_in(pages, 2)));
  versions.keep_block(Members{11}, Encoding::kLz4, other);  // replaced by another block
  EXPECT_EQ(versions.bytes_held(), stripe + other.size() + kPageBytes);
  EXPECT_EQ(read(versions, 11, reader), copy_of(page_in(pages, 2)));
}

// Its blocks are not kept; what was sent before is no version of the page any more.
TEST(SentVersions, ABlockThatIsTooSlowToDecodeLeavesItsPagesWithoutAVersion) {
  Random random(4);
  const Bytes pages = testing::words(random, 2 * kPageBytes);
  for (const Encoding encoding : {Encoding::kWkdm32, Encoding::kSparse}) {
    SentVersions versions(kPages, kPlenty);
    versions.keep_page(20, Bytes(kPageBytes));
    versions.keep_block(Members{20, 21}, encoding, encoded(encoding, pages));
    EXPECT_FALSE(versions.has(20));
    EXPECT_FALSE(versions.has(21));
    EXPECT_EQ(versions.bytes_held(), stripe_bytes() + kPageBytes);  // the place of 20
  }
}

TEST(SentVersions, WithoutABudgetNothingIsKept) {
  SentVersions versions(kPages, 0);
  EXPECT_FALSE(versions.keeps_any());
  EXPECT_FALSE(versions.has_room());
  versions.keep_page(3, Bytes(kPageBytes));
  const Bytes pages(2 * kPageBytes, std::byte{7});
  versions.keep_block(Members{4, 5}, Encoding::kLz4, encoded(Encoding::kLz4, pages));
  versions.forget(3);
  for (const PageIndex page : {3, 4, 5}) EXPECT_FALSE(versions.has(page));
  EXPECT_EQ(versions.bytes_held(), 0u);
}

TEST(SentVersions, TheLastByteOfTheBudgetIsUsedAndNoneBeyond) {
  const std::uint64_t stripe = stripe_bytes();
  for (const std::uint64_t spare : {std::uint64_t{0}, std::uint64_t{kPageBytes - 1}}) {
    SentVersions versions(kPages, stripe + 2 * kPageBytes + spare);
    versions.keep_page(0, Bytes(kPageBytes));
    EXPECT_TRUE(versions.has_room());
    versions.keep_page(1, Bytes(kPageBytes));
    EXPECT_FALSE(versions.has_room());
    versions.keep_page(2, Bytes(kPageBytes));
    versions.keep_page(2000, Bytes(kPageBytes));  // of another stripe
    EXPECT_EQ(versions.bytes_held(), stripe + 2 * kPageBytes);
    // What is in stays in.
    EXPECT_TRUE(versions.has(0) && versions.has(1));
    EXPECT_FALSE(versions.has(2) || versions.has(2000));
    versions.forget(0);
    versions.keep_page(2, Bytes(kPageBytes));
    EXPECT_FALSE(versions.has(2));
    versions.keep_page(0, Bytes(kPageBytes));
    EXPECT_TRUE(versions.has(0));
  }
}

TEST(SentVersions, ABudgetThatIsTooSmallForAStripeKeepsNothing) {
  SentVersions versions(kPages, stripe_bytes() - 1);
  versions.keep_page(0, Bytes(kPageBytes));
  EXPECT_FALSE(versions.has(0));
  EXPECT_EQ(versions.bytes_held(), 0u);
}

// A delta against what the page held before its last sending would be decoded beside something else.
TEST(SentVersions, AVersionWhoseSuccessorDoesNotFitIsNoVersionAnyMore) {
  Random random(5);
  const Bytes pages = testing::text(random, 2 * kPageBytes);
  const Bytes block = encoded(Encoding::kZstd, pages);
  const Bytes longer = encoded(Encoding::kZstd, testing::noise(random, kPageBytes));
  ASSERT_GT(longer.size(), block.size());
  SentVersions versions(kPages, stripe_bytes() + block.size());
  versions.keep_block(Members{8, 9}, Encoding::kZstd, block);
  ASSERT_TRUE(versions.has(8) && versions.has(9));
  versions.keep_page(8, Bytes(kPageBytes));
  EXPECT_FALSE(versions.has(8));
  versions.keep_block(Members{9}, Encoding::kZstd, longer);
  EXPECT_FALSE(versions.has(9));
  EXPECT_EQ(versions.bytes_held(), stripe_bytes());
}

// The reader keeps the block that it decoded last, so that a new one cannot lie at its address and be taken for it.
TEST(SentVersions, AReaderThatHoldsABlockWhichWasDroppedReadsTheNextOne) {
  Random random(6);
  SentVersions versions(kPages, kPlenty);
  VersionReader reader;
  for (int i = 0; i < 100; ++i) {
    const Bytes page = testing::text(random, kPageBytes);
    versions.keep_block(Members{30}, Encoding::kLz4, encoded(Encoding::kLz4, page));
    ASSERT_EQ(read(versions, 30, reader), page) << i;
    if (i % 3 == 0) versions.forget(30);
  }
}

// What is held, by the rules of the header: a plain map, and sums made anew each time.
class Model {
 public:
  Model(std::uint64_t budget, std::uint64_t stripe) : budget_(budget), stripe_(stripe) {}

  std::uint64_t held() const {
    std::uint64_t sum = stripes_.size() * stripe_;
    std::map<int, std::uint64_t> blocks;
    for (const auto& [page, version] : versions_) {
      if (version.block.has_value()) {
        blocks[*version.block] = version.block_bytes;
      }
    }
    sum += places_.size() * kPageBytes;
    for (const auto& [block, bytes] : blocks) sum += bytes;
    return sum;
  }
  const Bytes* find(PageIndex page) const {
    const auto found = versions_.find(page);
    return found == versions_.end() ? nullptr : &found->second.content;
  }
  void forget(PageIndex page) { versions_.erase(page); }
  void let_go_of_others(const PageBitmap& pages) {
    std::erase_if(versions_, [&](const auto& version) { return !pages.test(version.first); });
    std::erase_if(places_, [&](PageIndex page) { return !pages.test(page); });
  }
  void keep_block(const Members& members, const Bytes& pages, std::uint64_t bytes) {
    for (const PageIndex page : members) forget(page);
    if (!has_stripe(members.front()) || held() + bytes > budget_) return;
    ++blocks_;
    for (std::size_t i = 0; i < members.size(); ++i) {
      versions_[members[i]] = {copy_of(page_in(pages, i)), blocks_, bytes};
    }
  }
  void keep_page(PageIndex page, const Bytes& bytes) {
    if (!has_stripe(page)) return;
    forget(page);
    if (!places_.contains(page) && held() + kPageBytes > budget_) return;
    places_.insert(page);
    versions_[page] = {bytes, std::nullopt, 0};
  }

 private:
  struct Version {
    Bytes content;
    std::optional<int> block;
    std::uint64_t block_bytes = 0;
  };
  bool has_stripe(PageIndex page) {
    const std::uint64_t stripe = page / wire::kStripePages;
    if (stripes_.contains(stripe)) return true;
    if (held() + stripe_ > budget_) return false;
    stripes_[stripe] = true;
    return true;
  }

  const std::uint64_t budget_;
  const std::uint64_t stripe_;
  std::map<PageIndex, Version> versions_;
  std::set<PageIndex> places_;
  std::map<std::uint64_t, bool> stripes_;
  int blocks_ = 0;
};

// Ascending pages of one stripe, of which few are used, so that they come again.
Members random_members(Random& random) {
  const std::uint64_t stripe = random() % (kPages / wire::kStripePages);
  Members members;
  PageIndex page = stripe * wire::kStripePages + random() % 8;
  for (std::size_t left = 1 + random() % 8; left > 0; --left, page += 1 + random() % 3) {
    members.push_back(page);
  }
  return members;
}

// So many pages out of `all`, from anywhere. Random bytes take long under a sanitizer, so they are not made each time.
Bytes some_of(const Bytes& all, std::size_t pages, Random& random) {
  const std::size_t bytes = pages * kPageBytes;
  const auto from = all.begin() + static_cast<std::ptrdiff_t>(random() % (all.size() - bytes));
  return {from, from + static_cast<std::ptrdiff_t>(bytes)};
}

class SentVersionsAgainstAModel : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(SentVersionsAgainstAModel, WhateverIsKeptAndForgottenThePagesAndTheSumAreTheModels) {
  const std::uint64_t stripe = stripe_bytes();
  const std::uint64_t budgets[] = {stripe + 3 * kPageBytes, 2 * stripe + 10'000,
                                   4 * stripe + 40'000, kPlenty};
  Random random(GetParam());
  const Bytes of_noise = testing::noise(random, 4 * kPageBytes);
  const Bytes of_words = testing::words(random, 16 * kPageBytes);
  const std::uint64_t budget = budgets[GetParam() % 4];
  SentVersions versions(kPages, budget);
  Model model(budget, stripe);
  std::array<VersionReader, 2> readers;
  constexpr std::array kKept = {Encoding::kLz4, Encoding::kZstd, Encoding::kWkdm64};
  for (int step = 0; step < 600; ++step) {
    const Members members = random_members(random);
    if (step == 300) {
      PageBitmap stay(kPages);
      for (int i = 0; i < 8; ++i) {
        for (const PageIndex page : random_members(random)) stay.set(page);
      }
      versions.make_room(kPlenty, stay);
      model.let_go_of_others(stay);
    }
    switch (random() % 4) {
      case 0:
        versions.forget(members.front());
        model.forget(members.front());
        break;
      case 1: {
        const Bytes page = some_of(of_noise, 1, random);
        versions.keep_page(members.front(), page);
        model.keep_page(members.front(), page);
        break;
      }
      default: {
        const Bytes pages = some_of(of_words, members.size(), random);
        const Encoding encoding = kKept[random() % kKept.size()];
        const Bytes block = encoded(encoding, pages);
        versions.keep_block(members, encoding, block);
        model.keep_block(members, pages, block.size());
      }
    }
    ASSERT_EQ(versions.bytes_held(), model.held()) << step;
    ASSERT_LE(versions.bytes_held(), budget) << step;
    for (const PageIndex page : random_members(random)) {
      const Bytes* expected = model.find(page);
      const auto found = read(versions, page, readers[random() % readers.size()]);
      ASSERT_EQ(found.has_value(), expected != nullptr) << step << ", page " << page;
      if (expected != nullptr) {
        ASSERT_EQ(*found, *expected) << step << ", page " << page;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, SentVersionsAgainstAModel,
                         ::testing::Range(std::uint64_t{1}, std::uint64_t{13}));

TEST(SentVersions, ThreadsOnStripesOfTheirOwnStayWithinTheBudgetTogether) {
  const std::uint64_t budget = 4 * stripe_bytes() + 9 * kPageBytes;
  SentVersions versions(kPages, budget);
  std::atomic<bool> above = false;
  std::vector<std::thread> threads;
  for (std::uint64_t stripe = 0; stripe < 4; ++stripe) {
    threads.emplace_back([&, stripe] {
      Random random(stripe + 1);
      const Bytes pages = testing::text(random, 2 * kPageBytes);
      const Bytes block = encoded(Encoding::kLz4, pages);
      VersionReader reader;
      Bytes to(kPageBytes);
      for (int i = 0; i < 3000; ++i) {
        const PageIndex page = stripe * wire::kStripePages + random() % 8;
        if (random() % 3 == 0) versions.forget(page);
        if (random() % 3 == 0) versions.keep_page(page, page_in(pages, 1));
        if (random() % 3 == 0) versions.keep_block(Members{page, page + 1}, Encoding::kLz4, block);
        const std::byte* found = versions.find(page, reader);
        if (found != nullptr) std::copy_n(found, kPageBytes, to.begin());
        if (versions.bytes_held() > budget) above = true;
      }
      for (PageIndex page = 0; page < 16; ++page) {
        versions.forget(stripe * wire::kStripePages + page);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(above);
  // No block is left, whose lengths are odd: what it takes to find versions, and places.
  EXPECT_EQ((versions.bytes_held() - 4 * stripe_bytes()) % kPageBytes, 0u);
  EXPECT_LE(versions.bytes_held(), 4 * stripe_bytes() + 9 * kPageBytes);
}

TEST(SentVersions, PagesOutsideOfTheSetMakeRoomAndNoMoreOfThemThanItTakes) {
  constexpr PageIndex kSecond = wire::kStripePages;
  SentVersions versions(kPages, 2 * stripe_bytes() + 4 * kPageBytes);
  const Bytes content(kPageBytes, std::byte{1});
  for (const PageIndex page : {PageIndex{5}, PageIndex{6}, kSecond, kSecond + 1}) {
    versions.keep_page(page, content);
  }
  EXPECT_FALSE(versions.lacked_room());
  versions.keep_page(7, content);
  EXPECT_TRUE(versions.lacked_room());
  EXPECT_FALSE(versions.has(7));
  PageBitmap stay(kPages);
  for (const PageIndex page : {PageIndex{6}, PageIndex{7}, kSecond}) stay.set(page);
  versions.make_room(kPageBytes, stay);
  versions.keep_page(7, content);
  VersionReader reader;
  EXPECT_FALSE(versions.has(5));
  for (const PageIndex page : {PageIndex{6}, PageIndex{7}, kSecond, kSecond + 1}) {
    EXPECT_EQ(read(versions, page, reader), content) << page;
  }
  versions.make_room(kPageBytes, stay);
  EXPECT_FALSE(versions.has(kSecond + 1));
  versions.make_room(kPlenty, stay);
  EXPECT_EQ(versions.bytes_held(), 2 * stripe_bytes() + 3 * kPageBytes);
}

TEST(SentVersions, WhatIsClearedIsGoneAndItsRoomIsFree) {
  Random random(7);
  const Members members = {100, 101, 130};
  const Bytes block = encoded(Encoding::kZstd, testing::text(random, members.size() * kPageBytes));
  SentVersions versions(kPages, kPlenty);
  versions.keep_block(members, Encoding::kZstd, block);
  versions.keep_page(300, Bytes(kPageBytes));
  versions.clear();
  EXPECT_EQ(versions.bytes_held(), 0u);
  for (const PageIndex page : {100, 101, 130, 300}) EXPECT_FALSE(versions.has(page)) << page;
  versions.keep_page(300, Bytes(kPageBytes));
  EXPECT_TRUE(versions.has(300));
}

}  // namespace
}  // namespace pageferry
