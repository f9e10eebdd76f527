#include "workload/process_image.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <map>
#include <string>

#include "image/image_file.h"
#include "image/image_test_util.h"

namespace pageferry {
namespace {

constexpr std::uint64_t kPages = 64;

// A child with 64 pages of its own, at an address that this process knows; this process says what they hold.
class KnownProcess {
 public:
  KnownProcess() {
    // Shared, so that this process can write it; what is captured is the child's mapping.
    memory_ = static_cast<std::byte*>(::mmap(nullptr, kPages * kPageBytes, PROT_READ | PROT_WRITE,
                                             MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    int ready[2];
    EXPECT_EQ(::pipe(ready), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      // Touched here, too: what a process has not touched is not resident in it.
      for (std::uint64_t page = 0; page < kPages; ++page) {
        const_cast<volatile std::byte*>(memory_)[page * kPageBytes] = std::byte{0};
      }
      char done = 1;
      if (::write(ready[1], &done, 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    char done;
    EXPECT_EQ(::read(ready[0], &done, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
    // Right after its word it still writes its stack.
    while (!sleeps()) ::usleep(100);
  }
  ~KnownProcess() {
    end();
    ::munmap(memory_, kPages * kPageBytes);
  }

  int pid() const { return pid_; }
  std::uint64_t address(std::uint64_t page) const {
    return reinterpret_cast<std::uintptr_t>(memory_) + page * kPageBytes;
  }
  bool owns(std::uint64_t address_of_page) const {
    return address_of_page >= address(0) && address_of_page < address(kPages);
  }
  void set(std::uint64_t page, std::uint32_t content) {
    const TestPage bytes = page_of(content);
    std::memcpy(memory_ + page * kPageBytes, bytes.data(), kPageBytes);
  }
  bool sleeps() const {
    std::ifstream stat("/proc/" + std::to_string(pid_) + "/stat");
    std::string number, name, state;
    stat >> number >> name >> state;
    return state == "S";
  }
  void end() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  std::byte* memory_;
  int pid_;
};

std::unique_ptr<ProcessImage> start(int pid, const std::string& path, bool stop = false) {
  auto image = ProcessImage::start(pid, path, stop);
  EXPECT_TRUE(image.ok()) << image.status().message();
  return std::move(image.value());
}

Status take_snapshot(ProcessImage& image) {
  if (Status status = image.begin_snapshot(); !status.ok()) return status;
  for (;;) {
    const auto progress = image.step();
    if (!progress.ok()) return progress.status();
    EXPECT_LE(progress.value().pages, progress.value().of);
    if (progress.value().complete) return Status();
  }
}

// What the process's own pages held after so many snapshots, by address. Reads the addresses from where
// docs/image-format.md has them.
std::map<std::uint64_t, TestPage> read_back(const KnownProcess& process, const std::string& path,
                                            std::size_t snapshots) {
  const auto opened = ImageFile::open(path);
  EXPECT_TRUE(opened.ok()) << opened.status().message();
  const ImageFile& image = *opened.value();
  EXPECT_TRUE(image.check_contents().ok());
  const std::vector<char> bytes = bytes_of_file(path);
  ImageHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  const ImageTables tables = tables_of(header);
  std::vector<std::uint64_t> addresses(header.pages);
  std::memcpy(addresses.data(),
              bytes.data() + content_offset(header.contents) + tables.snapshots + tables.mappings,
              tables.addresses);
  std::map<std::uint64_t, TestPage> memory;
  for (const std::uint64_t address : addresses) {
    if (process.owns(address)) memory[address] = {};
  }
  std::size_t number = 0;
  for (std::size_t snapshot = 0; snapshot < snapshots; ++snapshot) {
    for (std::uint64_t i = 0; i < image.snapshots()[snapshot].entries; ++i, ++number) {
      const ImageFile::Entry entry = image.entries()[number];
      const std::uint64_t address = addresses[entry.page];
      if (!process.owns(address)) continue;
      EXPECT_TRUE(image.read_content(entry.content, memory.at(address)).ok());
    }
  }
  return memory;
}

TEST(ProcessImage, HoldsWhatTheProcessHeldAtEachSnapshot) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the memory of ThreadSanitizer itself takes minutes to capture six times";
#endif
  for (const bool stop : {false, true}) {
    const TemporaryFolder folder;
    KnownProcess process;
    for (std::uint32_t page = 0; page < kPages; ++page) process.set(page, page % 4);
    auto image = start(process.pid(), folder.file("image"), stop);
    ASSERT_TRUE(take_snapshot(*image).ok());
    process.set(1, 500);
    process.set(2, 0);
    process.set(4, 501);
    ASSERT_TRUE(take_snapshot(*image).ok());
    process.set(1, 1);
    ASSERT_TRUE(take_snapshot(*image).ok());
    const auto summary = image->finish(ImageEnd::kComplete);
    ASSERT_TRUE(summary.ok()) << summary.status().message();

    const auto first = read_back(process, folder.file("image"), 1);
    for (std::uint32_t page = 0; page < kPages; ++page) {
      EXPECT_EQ(first.at(process.address(page)), page_of(page % 4)) << page;
    }
    const auto second = read_back(process, folder.file("image"), 2);
    EXPECT_EQ(second.at(process.address(1)), page_of(500));
    EXPECT_EQ(second.at(process.address(2)), page_of(0));
    EXPECT_EQ(second.at(process.address(4)), page_of(501));
    EXPECT_EQ(second.at(process.address(5)), page_of(1));
    EXPECT_EQ(read_back(process, folder.file("image"), 3).at(process.address(1)), page_of(1));
    ASSERT_EQ(summary.value().snapshots.size(), 3u);
    EXPECT_GE(summary.value().snapshots[1].entries, 3u);
    EXPECT_GE(summary.value().snapshots[1].contents, 2u);
    EXPECT_GE(summary.value().snapshots[2].entries, 1u);
#if !defined(__SANITIZE_ADDRESS__)
    // The child sleeps: nobody but this process writes its memory. A sanitizer's runtime in it does write its own.
    EXPECT_EQ(summary.value().snapshots[1].entries, 3u);
    EXPECT_EQ(summary.value().snapshots[1].contents, 2u);
    EXPECT_EQ(summary.value().snapshots[2].entries, 1u);
#endif
  }
}

TEST(ProcessImage, PagesThatAreZeroTakeNoRoom) {
  const TemporaryFolder folder;
  KnownProcess process;
  auto image = start(process.pid(), folder.file("zero"));
  ASSERT_TRUE(take_snapshot(*image).ok());
  const auto zero = image->finish(ImageEnd::kComplete);
  for (std::uint32_t page = 0; page < kPages; ++page) process.set(page, page + 1);
  image = start(process.pid(), folder.file("full"));
  ASSERT_TRUE(take_snapshot(*image).ok());
  const auto full = image->finish(ImageEnd::kComplete);
  EXPECT_EQ(full.value().pages, zero.value().pages);
  EXPECT_GE(full.value().file_bytes, zero.value().file_bytes + kPages * kPageBytes);
}

TEST(ProcessImage, AProcessThatEndsLeavesNoFileBeforeItsFirstSnapshotIsWhole) {
  const TemporaryFolder folder;
  KnownProcess process;
  auto image = start(process.pid(), folder.file("image"));
  ASSERT_TRUE(image->begin_snapshot().ok());
  process.end();
  Status status;
  while (status.ok()) status = image->step().status();
  EXPECT_EQ(status.code(), StatusCode::kPeerClosed);
  image.reset();
  EXPECT_EQ(folder.count(), 0u);
}

TEST(ProcessImage, AProcessThatEndsLaterLeavesTheSnapshotsThatWereWhole) {
  const TemporaryFolder folder;
  KnownProcess process;
  process.set(7, 7);
  auto image = start(process.pid(), folder.file("image"));
  ASSERT_TRUE(take_snapshot(*image).ok());
  const std::uint64_t address = process.address(7);
  process.end();
  EXPECT_EQ(take_snapshot(*image).code(), StatusCode::kPeerClosed);
  image->drop_snapshot();
  ASSERT_TRUE(image->finish(ImageEnd::kProcessEnded).ok());
  EXPECT_EQ(read_back(process, folder.file("image"), 1).at(address), page_of(7));
}

TEST(ProcessImage, SaysWhichMappingsItLeavesOut) {
  const auto reason = [](const char* line) {
    ProcessMapping mapping;
    EXPECT_TRUE(parse_mapping(line, mapping)) << line;
    return left_out(mapping);
  };
  EXPECT_EQ(reason("559b5c000000-559b5c021000 rw-p 00000000 00:00 0   [heap]"), LeftOut::kNo);
  EXPECT_EQ(reason("559b5c000000-559b5c021000 r-xp 00000000 08:01 9   /usr/bin/x"), LeftOut::kNo);
  EXPECT_EQ(reason("559b5c000000-559b5c021000 r-xp 00000000 00:00 0   [vdso]"), LeftOut::kNo);
  EXPECT_EQ(reason("559b5c000000-559b5c021000 rw-s 00000000 00:01 9   /dev/shm/x"), LeftOut::kNo);
  EXPECT_EQ(reason("559b5c000000-559b5c021000 rw-s 00000000 00:01 9   /dev/dri/card0"),
            LeftOut::kDevice);
  EXPECT_EQ(reason("559b5c000000-559b5c021000 r--p 00000000 00:00 0   [vvar]"), LeftOut::kKernel);
  EXPECT_EQ(reason("559b5c000000-559b5c021000 ---p 00000000 00:00 0 "), LeftOut::kNotReadable);
}

}  // namespace
}  // namespace pageferry
