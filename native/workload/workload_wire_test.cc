#include "workload/workload_wire.h"

#include <gtest/gtest.h>

namespace pageferry {
namespace {

constexpr std::uint64_t kPages = 16;

GuestLayout make_layout(WorkloadKind kind, FillKind fill) {
  WorkloadConfig config;
  config.kind = kind;
  config.fill = fill;
  config.threads = 3;
  config.working_set_bytes = 10 * kPageBytes;
  config.seed = 0x0123456789abcdef;
  config.writes_per_second = 77;
  config.write_bytes = 128;
  auto layout = GuestLayout::create(config, kPages);
  EXPECT_TRUE(layout.ok()) << layout.status().message();
  return layout.value();
}

GuestState make_state() {
  GuestState state;
  state.gap_watch = true;
  for (std::uint64_t i = 1; i <= 3; ++i) state.threads.push_back({{i, i, 0}, {100 * i, 200 * i}});
  return state;
}

TEST(WorkloadWire, ADescriptionArrivesAsItWasSent) {
  const GuestLayout sent = make_layout(WorkloadKind::kKv, FillKind::kProcess);
  const auto arrived = decode_description(encode_description(sent, 0xfeedface), kPages);
  ASSERT_TRUE(arrived.ok()) << arrived.status().message();
  const WorkloadConfig& config = arrived.value().layout.config();
  EXPECT_EQ(config.kind, WorkloadKind::kKv);
  EXPECT_EQ(config.fill, FillKind::kProcess);
  EXPECT_EQ(config.threads, 3u);
  EXPECT_EQ(config.working_set_bytes, 10 * kPageBytes);
  EXPECT_EQ(config.seed, 0x0123456789abcdefu);
  EXPECT_EQ(config.writes_per_second, 77u);
  EXPECT_EQ(config.write_bytes, 128u);
  EXPECT_EQ(arrived.value().appendix_hash, 0xfeedfaceu);
}

TEST(WorkloadWire, ADescriptionIsAFewBytesWhateverTheFill) {
  const GuestLayout layout = make_layout(WorkloadKind::kUniform, FillKind::kFile);
  EXPECT_EQ(encode_description(layout, 1).size(), 68u);
}

TEST(WorkloadWire, AStateArrivesAsItWasSent) {
  const GuestLayout layout = make_layout(WorkloadKind::kUniform, FillKind::kZero);
  const auto arrived = decode_state(encode_state(make_state()), layout);
  ASSERT_TRUE(arrived.ok()) << arrived.status().message();
  EXPECT_TRUE(arrived.value().gap_watch);
  EXPECT_EQ(arrived.value().threads[2].progress.operations, 3u);
  EXPECT_EQ(arrived.value().threads[2].gaps.since_mark_ns, 300u);
  EXPECT_EQ(arrived.value().threads[2].gaps.longest_ns, 600u);
}

TEST(WorkloadWire, CutOrLengthenedBytesAreAProtocolError) {
  const GuestLayout layout = make_layout(WorkloadKind::kUniform, FillKind::kFile);
  auto description = encode_description(layout, 1);
  auto state = encode_state(make_state());
  for (std::size_t bytes = 0; bytes < description.size(); ++bytes) {
    const std::vector<std::uint8_t> cut(description.begin(), description.begin() + bytes);
    ASSERT_EQ(decode_description(cut, kPages).status().code(), StatusCode::kProtocol);
  }
  for (std::size_t bytes = 0; bytes < state.size(); ++bytes) {
    const std::vector<std::uint8_t> cut(state.begin(), state.begin() + bytes);
    ASSERT_EQ(decode_state(cut, layout).status().code(), StatusCode::kProtocol);
  }
  description.push_back(0);
  EXPECT_EQ(decode_description(description, kPages).status().code(), StatusCode::kProtocol);
  state.push_back(0);
  EXPECT_EQ(decode_state(state, layout).status().code(), StatusCode::kProtocol);
}

TEST(WorkloadWire, ChangedBytesAreAnotherGuestOrAProtocolErrorAndNothingElse) {
  const GuestLayout layout = make_layout(WorkloadKind::kUniform, FillKind::kZero);
  const auto description = encode_description(layout, 0);
  const auto state = encode_state(make_state());
  for (int value = 0; value < 256; ++value) {
    for (std::size_t at = 0; at < description.size(); ++at) {
      auto changed = description;
      changed[at] = static_cast<std::uint8_t>(value);
      const auto decoded = decode_description(changed, kPages);
      if (!decoded.ok()) {
        ASSERT_EQ(decoded.status().code(), StatusCode::kProtocol);
      }
    }
    for (std::size_t at = 0; at < state.size(); ++at) {
      auto changed = state;
      changed[at] = static_cast<std::uint8_t>(value);
      const auto decoded = decode_state(changed, layout);
      if (!decoded.ok()) {
        ASSERT_EQ(decoded.status().code(), StatusCode::kProtocol);
      }
    }
  }
}

TEST(WorkloadWire, ADescriptionOfAnotherMemorySizeIsRefused) {
  const GuestLayout layout = make_layout(WorkloadKind::kUniform, FillKind::kZero);
  const auto bytes = encode_description(layout, 0);
  EXPECT_EQ(decode_description(bytes, kPages + 1).status().code(), StatusCode::kProtocol);
}

TEST(WorkloadWire, AStateWhoseCountsContradictEachOtherIsRefused) {
  const GuestLayout layout = make_layout(WorkloadKind::kUniform, FillKind::kZero);
  GuestState more_writes = make_state();
  more_writes.threads[1].progress.page_writes = 3;
  EXPECT_FALSE(decode_state(encode_state(more_writes), layout).ok());
  GuestState fewer_threads = make_state();
  fewer_threads.threads.pop_back();
  EXPECT_FALSE(decode_state(encode_state(fewer_threads), layout).ok());
  GuestState endless_gap = make_state();
  endless_gap.threads[0].gaps.longest_ns = ~std::uint64_t{0};
  EXPECT_FALSE(decode_state(encode_state(endless_gap), layout).ok());
}

}  // namespace
}  // namespace pageferry
