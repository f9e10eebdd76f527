#include "image/image_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <map>
#include <random>

#include "image/image_test_util.h"

namespace pageferry {
namespace {

using Memory = std::vector<std::uint32_t>;  // the content of each page

// What the memory is after so many snapshots, as the file says.
Memory memory_after(const ImageFile& image, std::size_t snapshots,
                    const std::map<TestPage, std::uint32_t>& known) {
  Memory memory(image.pages(), 0);
  std::size_t number = 0;
  for (std::size_t snapshot = 0; snapshot < snapshots; ++snapshot) {
    for (std::uint64_t i = 0; i < image.snapshots()[snapshot].entries; ++i) {
      const ImageFile::Entry entry = image.entries()[number++];
      TestPage page;
      EXPECT_TRUE(image.read_content(entry.content, page).ok());
      const auto found = known.find(page);
      EXPECT_NE(found, known.end());
      if (found != known.end()) memory[entry.page] = found->second;
    }
  }
  return memory;
}

std::shared_ptr<const ImageFile> open(const std::string& path) {
  auto image = ImageFile::open(path);
  EXPECT_TRUE(image.ok()) << image.status().message();
  return image.ok() ? image.value() : nullptr;
}

// An image of 40 pages with 2 later snapshots.
void write_small(const std::string& path) {
  TestSnapshot first;
  for (std::uint32_t page = 0; page < 37; ++page) first[page] = page + 1;
  write_image(path, 40, {first, {{3, 100}, {5, 0}, {39, 101}}, {{3, 4}, {5, 102}}});
}

// The id that the tables of this file ask for: what a damaged file needs to get past the checksum.
std::vector<char> resealed(std::vector<char> bytes) {
  ImageHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  header.id = 0;
  ImageChecksum checksum;
  checksum.add(std::as_bytes(std::span(&header, 1)));
  const std::uint64_t tables = content_offset(header.contents);
  checksum.add(std::as_bytes(std::span(bytes)).subspan(tables));
  header.id = checksum.value();
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

TEST(ImageFile, HasWhatEachSnapshotWasGiven) {
  constexpr std::uint32_t kContents = 50;
  std::map<TestPage, std::uint32_t> known;
  for (std::uint32_t content = 0; content < kContents; ++content) known[page_of(content)] = content;
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    SCOPED_TRACE(round);
    const TemporaryFolder folder;
    const std::uint32_t pages = 1 + random() % 600;
    std::vector<TestSnapshot> snapshots(1 + random() % 5);
    std::vector<Memory> expected;
    Memory memory(pages, 0);
    for (TestSnapshot& snapshot : snapshots) {
      for (std::uint32_t page = 0; page < pages; ++page) {
        if (random() % 3 == 0) continue;
        const std::uint32_t content = random() % kContents;
        snapshot[page] = content;
        memory[page] = content;
      }
      expected.push_back(memory);
    }
    write_image(folder.file("image"), pages, snapshots);
    const auto image = open(folder.file("image"));
    ASSERT_NE(image, nullptr);
    EXPECT_TRUE(image->check_contents().ok());
    ASSERT_EQ(image->snapshots().size(), snapshots.size());
    for (std::size_t i = 0; i < snapshots.size(); ++i) {
      EXPECT_EQ(memory_after(*image, i + 1, known), expected[i]);
      EXPECT_EQ(image->snapshots()[i].time_ns, i * 10'000'000);
    }
    EXPECT_EQ(folder.count(), 1u);
  }
}

TEST(ImageFile, AnyByteThatIsChangedIsFound) {
  const TemporaryFolder folder;
  write_small(folder.file("image"));
  const std::vector<char> whole = bytes_of_file(folder.file("image"));
  std::mt19937 random(2);
  for (int round = 0; round < 200; ++round) {
    std::vector<char> damaged = whole;
    // The header and the tables are short: half of the rounds are theirs.
    const std::size_t at = round % 2 == 0   ? random() % whole.size()
                           : round % 4 == 1 ? random() % sizeof(ImageHeader)
                                            : whole.size() - 1 - random() % 500;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random() % 8));
    write_file(folder.file("damaged"), damaged);
    const auto image = ImageFile::open(folder.file("damaged"));
    const Status status = image.ok() ? image.value()->check_contents() : image.status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << "byte " << at;
  }
}

TEST(ImageFile, WhateverIsCutOffIsMissed) {
  const TemporaryFolder folder;
  write_small(folder.file("image"));
  const std::vector<char> whole = bytes_of_file(folder.file("image"));
  for (std::size_t bytes = 0; bytes < whole.size(); bytes += bytes < 200 ? 1 : 997) {
    write_file(folder.file("cut"),
               {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(bytes)});
    EXPECT_EQ(ImageFile::open(folder.file("cut")).status().code(), StatusCode::kInvalidArgument);
  }
  std::vector<char> longer = whole;
  longer.resize(whole.size() + 8);
  write_file(folder.file("longer"), longer);
  EXPECT_EQ(ImageFile::open(folder.file("longer")).status().code(), StatusCode::kInvalidArgument);
}

// The checksum is no defence against somebody who can compute it.
TEST(ImageFile, ForgedTablesAreRefusedOrLeadToPagesOfTheImageAlone) {
  const TemporaryFolder folder;
  write_small(folder.file("image"));
  const std::vector<char> whole = bytes_of_file(folder.file("image"));
  std::mt19937 random(3);
  int taken = 0;
  for (int round = 0; round < 600; ++round) {
    std::vector<char> forged = whole;
    const bool in_header = round % 2 == 0;
    const std::size_t at =
        in_header ? random() % sizeof(ImageHeader) : whole.size() - 1 - random() % 700;
    forged[at] = static_cast<char>(random());
    ImageHeader header;
    std::memcpy(&header, forged.data(), sizeof header);
    if (content_offset(header.contents % 1000) > forged.size()) continue;
    if (header.contents < 1000) forged = resealed(forged);
    write_file(folder.file("forged"), forged);
    const auto image = ImageFile::open(folder.file("forged"));
    if (!image.ok()) {
      EXPECT_EQ(image.status().code(), StatusCode::kInvalidArgument);
      continue;
    }
    ++taken;
    EXPECT_LE(image.value()->pages(), kMaxImagePages);
    for (const ImageFile::Entry& entry : image.value()->entries()) {
      EXPECT_LT(entry.page, image.value()->pages());
      TestPage page;
      EXPECT_TRUE(image.value()->read_content(entry.content, page).ok());
    }
  }
  EXPECT_GT(taken, 100);
}

TEST(ImageFile, CountsBeyondTheLimitsAreRefusedBeforeMemoryIsTakenForThem) {
  const TemporaryFolder folder;
  write_small(folder.file("image"));
  const std::vector<char> whole = bytes_of_file(folder.file("image"));
  const auto refuses = [&](auto change) {
    std::vector<char> forged = whole;
    ImageHeader header;
    std::memcpy(&header, forged.data(), sizeof header);
    change(header);
    std::memcpy(forged.data(), &header, sizeof header);
    write_file(folder.file("forged"), forged);
    EXPECT_EQ(ImageFile::open(folder.file("forged")).status().code(), StatusCode::kInvalidArgument);
  };
  refuses([](ImageHeader& header) { header.pages = ~std::uint64_t{0}; });
  refuses([](ImageHeader& header) { header.pages = 0; });
  refuses([](ImageHeader& header) { header.entries = ~std::uint64_t{0} / 4; });
  refuses([](ImageHeader& header) { header.contents = ~std::uint64_t{0} / 4096; });
  refuses([](ImageHeader& header) { header.snapshots = ~std::uint32_t{0}; });
  refuses([](ImageHeader& header) { header.snapshots = 0; });
  refuses([](ImageHeader& header) { header.mappings = ~std::uint32_t{0}; });
  refuses([](ImageHeader& header) { header.name_bytes = ~std::uint64_t{0}; });
  refuses([](ImageHeader& header) { header.page_bytes = 65536; });
  refuses([](ImageHeader& header) { header.version = 2; });
}

TEST(ImageFile, WhatIsNoRegularFileIsRefusedAtOnce) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo(folder.file("fifo").c_str(), 0600), 0);
  EXPECT_EQ(ImageFile::open(folder.file("fifo")).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(ImageFile::open("/dev/zero").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(ImageFile::open(folder.file("none")).status().system_error(), ENOENT);
}

TEST(ImageFile, AFileThatIsCutShortWhileItIsReadMakesAReadFail) {
  const TemporaryFolder folder;
  write_small(folder.file("image"));
  const auto image = open(folder.file("image"));
  ASSERT_NE(image, nullptr);
  std::filesystem::resize_file(folder.file("image"), kPageBytes);
  TestPage page;
  EXPECT_EQ(image->read_content(0, page).code(), StatusCode::kInvalidArgument);
}

TEST(ImageWriter, LeavesNothingUnlessItIsFinished) {
  const TemporaryFolder folder;
  {
    auto writer = ImageWriter::create(folder.file("image"), false);
    ASSERT_TRUE(writer.ok());
    writer.value()->begin_snapshot(0);
    ASSERT_TRUE(writer.value()->add_content(0, page_of(1)).ok());
    ASSERT_TRUE(writer.value()->end_snapshot(1).ok());
    EXPECT_EQ(folder.count(), 1u);
  }
  EXPECT_EQ(folder.count(), 0u);
}

TEST(ImageWriter, ASnapshotThatIsDroppedLeavesNoTrace) {
  const TemporaryFolder folder;
  auto writer = ImageWriter::create(folder.file("image"), true);
  ASSERT_TRUE(writer.ok());
  writer.value()->begin_snapshot(0);
  ASSERT_TRUE(writer.value()->add_content(0, page_of(1)).ok());
  ASSERT_TRUE(writer.value()->end_snapshot(1).ok());
  writer.value()->begin_snapshot(5);
  for (std::uint32_t page = 0; page < 600; ++page) {
    ASSERT_TRUE(writer.value()->add_content(page, page_of(2)).ok());
  }
  writer.value()->drop_snapshot();
  const std::vector<std::uint64_t> addresses = {4096};
  ASSERT_TRUE(writer.value()->finish({addresses, {}}, ImageEnd::kInterrupted).ok());
  const auto image = open(folder.file("image"));
  ASSERT_NE(image, nullptr);
  EXPECT_TRUE(image->check_contents().ok());
  EXPECT_EQ(image->snapshots().size(), 1u);
  EXPECT_EQ(image->entries().size(), 1u);
}

}  // namespace
}  // namespace pageferry
