#include "net/tee_stream.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>

#include "net/stream_test_util.h"

namespace pageferry {
namespace {

using std::chrono::milliseconds;
using testing::connect_pair;
using testing::owned;
using testing::send_text;

constexpr std::size_t kHeadBytes = 24;

struct Block {
  int role;
  int direction;
  int number;
  std::string bytes;
};

// A file in the folder for temporary ones that goes when the test does.
class CapturePath {
 public:
  CapturePath() {
    std::string pattern = ::testing::TempDir() + "captureXXXXXX";
    const int fd = ::mkstemp(pattern.data());
    EXPECT_GE(fd, 0);
    ::close(fd);
    path_ = pattern;
  }
  CapturePath(const CapturePath&) = delete;
  CapturePath& operator=(const CapturePath&) = delete;
  ~CapturePath() { ::unlink(path_.c_str()); }

  const std::string& path() const { return path_; }

  std::string content() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // Joined where neighbours are of one channel and direction; without the end, which must be there.
  std::vector<Block> blocks() const {
    const std::string all = content();
    std::vector<Block> blocks;
    std::size_t at = kHeadBytes;
    while (at + 8 <= all.size()) {
      std::uint16_t number = 0;
      std::uint32_t length = 0;
      std::memcpy(&number, &all[at + 2], sizeof(number));
      std::memcpy(&length, &all[at + 4], sizeof(length));
      const Block block = {all[at], all[at + 1], number, all.substr(at + 8, length)};
      at += 8 + length;
      if (block.role == 0) break;
      if (!blocks.empty() && blocks.back().role == block.role &&
          blocks.back().number == block.number && blocks.back().direction == block.direction) {
        blocks.back().bytes += block.bytes;
      } else {
        blocks.push_back(block);
      }
    }
    EXPECT_EQ(at, all.size());
    EXPECT_EQ(all.substr(all.size() - 8), std::string(8, '\0'));
    return blocks;
  }

 private:
  std::string path_;
};

std::shared_ptr<CaptureFile> capture_to(const CapturePath& file, CaptureFile::Side side) {
  auto capture = CaptureFile::create(file.path(), side, 0);
  EXPECT_TRUE(capture.ok()) << capture.status().message();
  return capture.value();
}

std::string receive_text(Stream& stream, std::size_t bytes) {
  std::string text(bytes, '\0');
  EXPECT_TRUE(stream.receive_all(text.data(), bytes).ok());
  return text;
}

constexpr CaptureFile::Channel kControl = {CaptureFile::Role::kControl, 0};
constexpr CaptureFile::Channel kPage3 = {CaptureFile::Role::kPage, 3};

TEST(TeeStream, RecordsWhatGoesBothWaysInTheOrderOfItsSide) {
  const CapturePath file;
  auto capture = capture_to(file, CaptureFile::Side::kSource);
  auto pair = connect_pair();
  auto other = connect_pair();
  TeeStream control(owned(std::move(pair.near)), capture, kControl);
  TeeStream page(owned(std::move(other.near)), capture, kPage3);

  ASSERT_TRUE(send_text(control, "open").ok());
  ASSERT_TRUE(send_text(pair.far, "opened").ok());
  EXPECT_EQ(receive_text(control, 6), "opened");
  std::string first = "pa";
  std::string second = "ge";
  std::array<iovec, 3> parts = {
      {{first.data(), first.size()}, {nullptr, 0}, {second.data(), second.size()}}};
  ASSERT_TRUE(page.send_all(parts).ok());
  EXPECT_EQ(receive_text(other.far, 4), "page");
  ASSERT_TRUE(capture->close().ok());

  const auto blocks = file.blocks();
  ASSERT_EQ(blocks.size(), 3U);
  EXPECT_EQ(blocks[0].bytes, "open");
  EXPECT_EQ(blocks[0].role, 1);
  EXPECT_EQ(blocks[0].direction, 1);
  EXPECT_EQ(blocks[1].bytes, "opened");
  EXPECT_EQ(blocks[1].direction, 2);
  EXPECT_EQ(blocks[2].bytes, "page");
  EXPECT_EQ(blocks[2].role, 2);
  EXPECT_EQ(blocks[2].number, 3);
}

TEST(TeeStream, OfADestinationWhatIsReceivedGoesToIt) {
  const CapturePath file;
  auto capture = capture_to(file, CaptureFile::Side::kDestination);
  auto pair = connect_pair();
  TeeStream control(owned(std::move(pair.near)), capture, kControl);
  ASSERT_TRUE(send_text(pair.far, "open").ok());
  EXPECT_EQ(receive_text(control, 4), "open");
  ASSERT_TRUE(send_text(control, "opened").ok());
  ASSERT_TRUE(capture->close().ok());
  const auto blocks = file.blocks();
  ASSERT_EQ(blocks.size(), 2U);
  EXPECT_EQ(blocks[0].direction, 1);
  EXPECT_EQ(blocks[1].direction, 2);
  EXPECT_EQ(file.content().substr(0, 8), "PGFCAPT\n");
  EXPECT_EQ(file.content()[10], 2);
}

TEST(TeeStream, RecordsALongSendWholeHoweverSlowThePeerTakesIt) {
  const CapturePath file;
  auto capture = capture_to(file, CaptureFile::Side::kSource);
  auto pair = connect_pair();
  TeeStream page(owned(std::move(pair.near)), capture, kPage3);
  std::string sent(9u << 20, '\0');
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 7 + i / 4096);
  std::string received;
  std::thread peer([&] { received = receive_text(pair.far, sent.size()); });
  EXPECT_TRUE(page.send_all(sent.data(), sent.size()).ok());
  peer.join();
  EXPECT_TRUE(received == sent);
  ASSERT_TRUE(capture->close().ok());
  const auto blocks = file.blocks();
  ASSERT_EQ(blocks.size(), 1U);
  EXPECT_TRUE(blocks[0].bytes == sent);
}

// Of memory that is mapped twice, as a guest's is: one mapping is written while the other is sent.
TEST(TeeStream, RecordsWhatWasSentOfMemoryThatIsWrittenMeanwhile) {
  constexpr std::size_t kBytes = 8u << 20;
  const UniqueFd memory(::memfd_create("guest", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(memory.get(), kBytes), 0);
  const auto map = [&] {
    void* at = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
    return at == MAP_FAILED ? nullptr : static_cast<char*>(at);
  };
  char* guest = map();
  char* engine = map();
  ASSERT_TRUE(guest != nullptr && engine != nullptr);
  const CapturePath file;
  auto capture = capture_to(file, CaptureFile::Side::kSource);
  auto pair = connect_pair();
  TeeStream page(owned(std::move(pair.near)), capture, kPage3);
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (char turn = 1; !done.load(); ++turn) std::memset(guest, turn, kBytes);
  });
  std::string received;
  std::thread peer([&] { received = receive_text(pair.far, kBytes); });
  EXPECT_TRUE(page.send_all(engine, kBytes).ok());
  peer.join();
  done = true;
  writer.join();
  ASSERT_TRUE(capture->close().ok());
  const auto blocks = file.blocks();
  ASSERT_EQ(blocks.size(), 1U);
  EXPECT_TRUE(blocks[0].bytes == received);
  ::munmap(guest, kBytes);
  ::munmap(engine, kBytes);
}

TEST(TeeStream, ASendThatThePeerDoesNotTakeTimesOutAndOthersGoOnMeanwhile) {
  const CapturePath file;
  auto capture = capture_to(file, CaptureFile::Side::kSource);
  auto pair = connect_pair();
  auto other = connect_pair();
  TeeStream page(owned(std::move(pair.near)), capture, kPage3);
  TeeStream control(owned(std::move(other.near)), capture, kControl);
  page.set_send_timeout(milliseconds(300));
  const std::string much(64u << 20, 'x');
  Status outcome;
  std::thread sending([&] { outcome = page.send_all(much.data(), much.size()); });
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(send_text(control, "alive").ok());
  sending.join();
  EXPECT_EQ(outcome.code(), StatusCode::kTimedOut);
  EXPECT_EQ(receive_text(other.far, 5), "alive");
}

TEST(TeeStream, AShutdownEndsWhoWaitsToSendAndWhoWaitsToReceive) {
  const CapturePath file;
  auto capture = capture_to(file, CaptureFile::Side::kSource);
  auto pair = connect_pair();
  auto other = connect_pair();
  TeeStream full(owned(std::move(pair.near)), capture, kPage3);
  TeeStream silent(owned(std::move(other.near)), capture, kControl);
  const std::string much(64u << 20, 'x');
  char byte = 0;
  Status sent;
  Status received;
  std::thread sending([&] { sent = full.send_all(much.data(), much.size()); });
  std::thread receiving([&] { received = silent.receive_all(&byte, 1); });
  full.shutdown();
  silent.shutdown();
  sending.join();
  receiving.join();
  EXPECT_EQ(sent.code(), StatusCode::kCancelled);
  EXPECT_EQ(received.code(), StatusCode::kCancelled);
}

TEST(TeeStream, AFileThatCannotBeWrittenEndsTheCaptureAndNotTheStream) {
  const CapturePath file;
  auto capture = capture_to(file, CaptureFile::Side::kSource);
  auto pair = connect_pair();
  TeeStream page(owned(std::move(pair.near)), capture, kPage3);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small = {.rlim_cur = 1u << 20, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string sent(4u << 20, 'y');
  std::thread peer([&] { EXPECT_TRUE(receive_text(pair.far, sent.size()) == sent); });
  EXPECT_TRUE(page.send_all(sent.data(), sent.size()).ok());
  peer.join();
  const Status closed = capture->close();
  EXPECT_EQ(closed.system_error(), EFBIG);
  EXPECT_EQ(capture->close().system_error(), EFBIG);
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_TRUE(send_text(page, "more").ok());
}

TEST(CaptureFile, BelongsToItsOwnerAlone) {
  const CapturePath file;
  ::unlink(file.path().c_str());
  auto capture = capture_to(file, CaptureFile::Side::kSource);
  struct stat stats = {};
  ASSERT_EQ(::stat(file.path().c_str(), &stats), 0);
  EXPECT_EQ(stats.st_mode & 0777, 0600U);
}

TEST(CaptureFile, RecordsNothingAfterItsEnd) {
  const CapturePath file;
  auto capture = capture_to(file, CaptureFile::Side::kSource);
  ASSERT_TRUE(capture->close().ok());
  capture->record_received(kControl, std::as_bytes(std::span("late", 4)));
  ASSERT_TRUE(capture->close().ok());
  EXPECT_TRUE(file.blocks().empty());
}

}  // namespace
}  // namespace pageferry
