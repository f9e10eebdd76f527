// Guest memory that shows any byte beside it that is written, and streams of records that are applied to it. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "channel/record_io.h"
#include "net/stream_test_util.h"
#include "receive/record_applier.h"
#include "region/guest_test_util.h"

namespace pageferry::testing {

inline constexpr std::uint64_t kGapPages = 4;

// Private regions with memory of ours around each, where nobody may write.
class FencedGuest {
 public:
  explicit FencedGuest(const std::vector<std::uint64_t>& region_pages) {
    std::uint64_t pages = kGapPages;
    for (const std::uint64_t count : region_pages) pages += count + kGapPages;
    auto mapping = Mapping::map_anonymous(pages * kPageBytes);
    EXPECT_TRUE(mapping.ok());
    mapping_ = std::move(mapping.value());
    std::vector<AddressRange> ranges;
    std::byte* at = mapping_.data();
    for (const std::uint64_t count : region_pages) {
      fences_.emplace_back(at, kGapPages * kPageBytes);
      at += kGapPages * kPageBytes;
      ranges.push_back({reinterpret_cast<std::uintptr_t>(at), count * kPageBytes});
      at += count * kPageBytes;
    }
    fences_.emplace_back(at, kGapPages * kPageBytes);
    for (const auto fence : fences_) std::ranges::fill(fence, kFence);
    auto memory = GuestMemory::adopt_private(ranges);
    EXPECT_TRUE(memory.ok());
    memory_ = memory.value();
  }

  const std::shared_ptr<GuestMemory>& memory() const { return memory_; }
  bool untouched_around() const {
    return std::ranges::all_of(fences_, [](auto fence) {
      return std::ranges::all_of(fence, [](std::byte value) { return value == kFence; });
    });
  }

 private:
  static constexpr std::byte kFence{0xa5};
  Mapping mapping_;
  std::vector<std::span<std::byte>> fences_;
  std::shared_ptr<GuestMemory> memory_;
};

// Applies everything in the stream; what ended it.
inline Status apply_stream(const std::shared_ptr<ArrivingMemory>& arriving,
                           const std::vector<std::byte>& stream) {
  auto pair = connect_pair();
  std::thread sender([&] {
    (void)pair.near.send_all(stream.data(), stream.size());
    ::shutdown(pair.near.fd(), SHUT_WR);
  });
  RecordApplier applier(arriving, wire::ContentSet::all());
  Status ended;
  while (ended.ok()) {
    const auto header = receive_header(pair.far, wire::RecordType::kPages);
    ended = header.status();
    if (!ended.ok() || header.value().type == wire::RecordType::kSync) continue;
    ended = applier.apply(pair.far, header.value()).status();
  }
  pair.far.shutdown();  // what is left is not taken any more
  sender.join();
  return ended;
}

inline void append(std::vector<std::byte>& stream, const void* data, std::size_t bytes) {
  const auto* at = static_cast<const std::byte*>(data);
  stream.insert(stream.end(), at, at + bytes);
}

inline std::vector<std::byte> record(const std::vector<wire::TableEntry>& table,
                                     const std::vector<std::byte>& payload) {
  const wire::RecordHeader header = {wire::RecordType::kPages,
                                     static_cast<std::uint16_t>(table.size()),
                                     static_cast<std::uint32_t>(payload.size()), 0};
  std::vector<std::byte> stream;
  append(stream, &header, sizeof(header));
  append(stream, table.data(), table.size() * sizeof(wire::TableEntry));
  append(stream, payload.data(), payload.size());
  return stream;
}

// 64 pages, all missing, of a guest that runs.
class WhileServing : public ::testing::TestWithParam<Backing> {
 protected:
  void SetUp() override {
    if (const auto why = why_no_post_copy(GetParam()); !why.empty()) GTEST_SKIP() << why;
    ASSERT_TRUE(arriving_->mark_missing({0, 64}).ok());
    ASSERT_TRUE(arriving_->start_serving([] {}).ok());
  }

  const TestGuest guest_ = make_guest(GetParam(), {64});
  const std::shared_ptr<ArrivingMemory> arriving_ = std::make_shared<ArrivingMemory>(guest_.memory);
};

}  // namespace pageferry::testing
