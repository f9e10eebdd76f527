#include "workload/kv_table.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

namespace pageferry {
namespace {

struct alignas(64) Page {
  std::array<std::byte, kPageBytes> bytes;
  std::byte* data() { return bytes.data(); }
};

constexpr std::uint32_t kEntrySizes[] = {8, 16, 24, 64, 72, 1000, 2048, 4088, 4096};

Page render(const KvTable& table, PageIndex page, const std::vector<std::uint64_t>& versions) {
  Page content;
  table.render(page, versions, content.data());
  return content;
}

TEST(KvTable, FindsEveryKeyThatWasPreloaded) {
  for (const std::uint32_t bytes : kEntrySizes) {
    const KvTable table(bytes, 3);
    const std::uint64_t keys = table.keys_per_page();
    for (PageIndex index = 0; index < 50; ++index) {
      Page page = render(table, index, std::vector<std::uint64_t>(keys, 0));
      for (std::uint64_t i = 0; i < keys; ++i) {
        ASSERT_EQ(table.page_of(index * keys + i), index);
        ASSERT_TRUE(table.get(page.data(), index * keys + i));
      }
    }
  }
}

TEST(KvTable, DoesNotFindAKeyOfAnotherPage) {
  const KvTable table(64, 3);
  Page page = render(table, 0, std::vector<std::uint64_t>(table.keys_per_page(), 0));
  EXPECT_FALSE(table.get(page.data(), table.keys_per_page()));
  EXPECT_FALSE(table.set(page.data(), table.keys_per_page()));
  std::memset(page.data(), 0, kPageBytes);
  EXPECT_FALSE(table.get(page.data(), 0));
}

TEST(KvTable, HoldsWhatItsVersionsSayAfterAnySets) {
  for (const std::uint32_t bytes : kEntrySizes) {
    const KvTable table(bytes, 3);
    std::vector<std::uint64_t> versions(table.keys_per_page(), 0);
    Page page = render(table, 2, versions);
    for (std::uint64_t i = 0; i < 500; ++i) {
      const std::uint64_t key = i * i % versions.size();
      ASSERT_TRUE(table.set(page.data(), 2 * versions.size() + key));
      ++versions[key];
    }
    EXPECT_EQ(page.bytes, render(table, 2, versions).bytes);
  }
}

TEST(KvTable, GetFailsOnATornValue) {
  const KvTable table(64, 3);
  const std::vector<std::uint64_t> versions(table.keys_per_page(), 0);
  const Page before = render(table, 0, versions);
  Page after = before;
  ASSERT_TRUE(table.set(after.data(), 5));
  std::size_t changed = 0;
  while (before.bytes[changed] == after.bytes[changed]) ++changed;
  const std::size_t entry = changed / 64 * 64;
  std::memcpy(after.data() + entry + 32, before.bytes.data() + entry + 32, 32);
  EXPECT_FALSE(table.get(after.data(), 5));
}

}  // namespace
}  // namespace pageferry
