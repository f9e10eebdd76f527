// Images made for tests, in a folder that goes away with the test.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "image/image_writer.h"

namespace pageferry {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = std::filesystem::temp_directory_path() / "pageferry-image-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string file(const std::string& name) const { return path_ / name; }
  std::size_t count() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::filesystem::path path_;
};

// What a page holds in a test: zeros for 0, otherwise bytes that follow from the number alone.
using TestPage = std::array<std::byte, kPageBytes>;

inline TestPage page_of(std::uint32_t number) {
  TestPage page = {};
  if (number == 0) return page;
  for (std::size_t i = 0; i < page.size(); ++i) {
    page[i] = static_cast<std::byte>(number * 31 + i * (number | 1) + i / 256);
  }
  return page;
}

// The pages that a snapshot sets, and to which content.
using TestSnapshot = std::map<std::uint32_t, std::uint32_t>;

// Snapshots that are 10 ms apart.
inline void write_image(const std::string& path, std::uint32_t pages,
                        const std::vector<TestSnapshot>& snapshots) {
  auto writer = ImageWriter::create(path, false);
  ASSERT_TRUE(writer.ok()) << writer.status().message();
  std::uint64_t time_ns = 0;
  for (const TestSnapshot& snapshot : snapshots) {
    writer.value()->begin_snapshot(time_ns);
    for (const auto& [page, content] : snapshot) {
      const Status status = content == 0 ? writer.value()->add_zero(page)
                                         : writer.value()->add_content(page, page_of(content));
      ASSERT_TRUE(status.ok()) << status.message();
    }
    ASSERT_TRUE(writer.value()->end_snapshot(1000).ok());
    time_ns += 10'000'000;
  }
  std::vector<std::uint64_t> addresses(pages);
  for (std::uint32_t page = 0; page < pages; ++page) addresses[page] = 0x10000 + page * kPageBytes;
  const std::vector<ImageWriter::Mapping> mappings = {
      {{.start = 0x10000, .bytes = pages * kPageBytes, .pages = pages, .flags = 3}, "[heap]"}};
  const auto bytes = writer.value()->finish({addresses, mappings}, ImageEnd::kComplete);
  ASSERT_TRUE(bytes.ok()) << bytes.status().message();
  ASSERT_EQ(bytes.value(), std::filesystem::file_size(path));
}

inline std::vector<char> bytes_of_file(const std::string& path) {
  std::vector<char> bytes(std::filesystem::file_size(path));
  std::ifstream(path, std::ios::binary)
      .read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

inline void write_file(const std::string& path, const std::vector<char>& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace pageferry
