#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "send/ferry_test_util.h"

namespace pageferry {
namespace {

using namespace testing;

// Pages of every kind, sent, changed in a few words and sent again: over the wire each encoding gives back what went in.
struct Way {
  std::string name;
  Rung rung;
  Deltas deltas;
  std::vector<std::uint8_t> contents;  // that must have been used
};

// How GoogleTest names it.
void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }

class EveryEncodingOverTheWire : public ::testing::TestWithParam<std::tuple<Way, std::size_t>> {};

Rung in_blocks_of_16(Encoding encoding) {
  return {.method = Method::kBlocks, .encoding = encoding, .level = 1, .block_pages = 16};
}

void fill_by_kind(const GuestMemory& memory, PageIndex page) {
  for (std::uint64_t i = 0; i < kWordsPerPage; ++i) {
    const std::uint64_t kinds[] = {word_of(page, 1, i),                     // noise
                                   page % 64 == 1 ? 0 : page,               // zero, or one word
                                   i % 128 == 5 ? word_of(page, 2, i) : 0,  // sparse
                                   0x7f0000000000 + word_of(page, 3, i) % 16 * 64,
                                   word_of(page, 4, i % 24)};
    guest_word(memory, page, i).store(kinds[page / 40 % 5], std::memory_order_relaxed);
  }
}

TEST_P(EveryEncodingOverTheWire, PagesArriveAsTheyAreTheFirstTimeAndWhenTheyChanged) {
  const auto& [way, encoders] = GetParam();
  Ferry ferry({.region_pages = {1500, 1, 700},
               .channels = 2,
               .sending = {.effort = {.lower = way.rung,
                                      .upper = way.rung,
                                      .deltas = way.deltas,
                                      .encoders = static_cast<std::uint8_t>(encoders),
                                      .queue_units = 2},
                           .encoders = encoders,
                           .version_bytes = std::uint64_t{64} << 20}});
  const std::uint64_t count = ferry.source().page_count();
  for (PageIndex page = 0; page < count; ++page) fill_by_kind(ferry.source(), page);
  ClassStats sent = ferry.ferry_round(populated_pages(ferry.source())).contents;
  PageBitmap changed(count);
  for (PageIndex page = 0; page < count; page += 3) {
    guest_word(ferry.source(), page, page % kWordsPerPage).store(page * 77 + 1);
    changed.set(page);
  }
  sent.add(ferry.ferry_round(changed).contents);
  for (PageIndex page = 0; page < count; ++page) {
    const auto* at = ferry.source().engine_page(page);
    EXPECT_TRUE(std::equal(at, at + kPageBytes, ferry.destination().engine_page(page))) << page;
  }
  for (const std::uint8_t content : way.contents) {
    EXPECT_GT(sent[content].pages, 0u) << wire::find_content(content)->name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Ways, EveryEncodingOverTheWire,
    ::testing::Combine(
        ::testing::Values(
            Way{"Raw", {}, Deltas::kNone, {wire::kContentRaw, wire::kContentZero}},
            Way{"Lz4",
                in_blocks_of_16(Encoding::kLz4),
                Deltas::kLz4,
                {wire::kContentLz4, wire::kContentLz4Delta, wire::kContentFill}},
            Way{"Zstd",
                in_blocks_of_16(Encoding::kZstd),
                Deltas::kZstd,
                {wire::kContentZstd, wire::kContentZstdDelta, wire::kContentFill}},
            Way{"Wkdm",
                in_blocks_of_16(Encoding::kWkdm64),
                Deltas::kNone,
                {wire::kContentWkdm64, wire::kContentFill}},
            Way{"Mecom",
                {.method = Method::kMecom},
                Deltas::kNone,
                {wire::kContentWkdm32, wire::kContentSparse, wire::kContentLz4}},
            Way{"Xbzrle", {}, Deltas::kXbzrle, {wire::kContentXbzrle, wire::kContentRaw}}),
        ::testing::Values(0, 1, 3)),
    [](const auto& way) {
      return std::get<0>(way.param).name + "By" + std::to_string(std::get<1>(way.param));
    });

}  // namespace
}  // namespace pageferry
