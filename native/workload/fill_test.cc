#include "workload/fill.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <utility>

#include "os/unique_fd.h"
#include "workload/page_content.h"

namespace pageferry {
namespace {

constexpr std::uint64_t kPages = 64;

std::shared_ptr<GuestMemory> make_memory(const std::vector<std::uint64_t>& bytes = {kPages *
                                                                                    kPageBytes}) {
  auto memory = GuestMemory::create_shared(bytes);
  EXPECT_TRUE(memory.ok()) << memory.status().message();
  return memory.value();
}

GuestLayout make_layout(const WorkloadConfig& config, std::uint64_t pages = kPages) {
  auto layout = GuestLayout::create(config, pages);
  EXPECT_TRUE(layout.ok()) << layout.status().message();
  return layout.value();
}

std::uint64_t populated_pages(const GuestMemory& memory) {
  PageBitmap populated(memory.page_count());
  EXPECT_TRUE(memory.find_populated(populated).ok());
  return populated.count();
}

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content) : path_(testing::TempDir() + "fill_XXXXXX") {
    ::close(::mkstemp(path_.data()));
    std::ofstream(path_) << content;
  }
  ~TemporaryFile() { ::unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

constexpr char kMarker[] = "PAGEFERRY_FILL_TEST=a page of that process holds this";

// Another program that only waits, with kMarker in its environment, hence in its memory.
class WaitingProcess {
 public:
  WaitingProcess() {
    int input[2];
    int started[2];
    EXPECT_EQ(::pipe2(input, O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(started, O_CLOEXEC), 0);
    const char* const arguments[] = {"cat", nullptr};
    const char* const environment[] = {kMarker, nullptr};
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(input[0], STDIN_FILENO);
      ::execve("/bin/cat", const_cast<char**>(arguments), const_cast<char**>(environment));
      ::_exit(1);
    }
    ::close(input[0]);
    ::close(started[1]);
    input_ = UniqueFd(input[1]);
    // The kernel closes the child's end when it has started the program.
    char none;
    EXPECT_EQ(::read(started[0], &none, 1), 0);
    ::close(started[0]);
  }
  ~WaitingProcess() { end(); }
  void end() {
    input_.reset();
    if (pid_ > 0) ::waitpid(std::exchange(pid_, 0), nullptr, 0);
  }
  int pid() const { return pid_; }

 private:
  UniqueFd input_;
  pid_t pid_;
};

WorkloadConfig file_config(const std::string& path) {
  WorkloadConfig config;
  config.fill = FillKind::kFile;
  config.fill_path = path;
  return config;
}

WorkloadConfig process_config(int pid) {
  WorkloadConfig config;
  config.fill = FillKind::kProcess;
  config.fill_pid = pid;
  return config;
}

TEST(Fill, ZeroLeavesFreshMemoryUntouched) {
  const auto memory = make_memory();
  ASSERT_TRUE(fill(*memory, make_layout({})).ok());
  EXPECT_EQ(populated_pages(*memory), 0u);
}

TEST(Fill, ZeroWipesMemoryThatWasUsedBefore) {
  const auto memory = make_memory();
  std::memset(memory->engine_page(5), 7, kPageBytes);
  ASSERT_TRUE(fill(*memory, make_layout({})).ok());
  EXPECT_EQ(memory->engine_page(5)[100], std::byte{0});
}

TEST(Fill, RandomAndTextDependOnTheSeedAndThePageAlone) {
  for (const FillKind kind : {FillKind::kRandom, FillKind::kText}) {
    const auto memory = make_memory({3 * kPageBytes, (kPages - 3) * kPageBytes});
    WorkloadConfig config;
    config.fill = kind;
    ASSERT_TRUE(fill(*memory, make_layout(config)).ok());
    for (PageIndex page = 0; page < kPages; ++page) {
      std::byte expected[kPageBytes];
      render_page(kind, config.seed, page, expected);
      ASSERT_EQ(std::memcmp(memory->engine_page(page), expected, kPageBytes), 0);
    }
  }
}

TEST(Fill, AFileIsRepeatedOrCutToFillTheMemory) {
  for (const std::size_t bytes : {1u, 2u, 5000u, 4096u, 8192u, 12'345u, 1'000'000u}) {
    std::string content(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i) content[i] = static_cast<char>(i * 31 + i / 251);
    const TemporaryFile file(content);
    const auto memory = make_memory({3 * kPageBytes, (kPages - 3) * kPageBytes});
    const auto filled = fill(*memory, make_layout(file_config(file.path())));
    ASSERT_TRUE(filled.ok()) << filled.status().message();
    for (std::uint64_t at = 0; at < (kPages - 1) * kPageBytes;
         ++at) {  // the last one is the appendix
      ASSERT_EQ(static_cast<char>(memory->engine_page(at / kPageBytes)[at % kPageBytes]),
                content[at % bytes])
          << bytes << " at " << at;
    }
  }
}

TEST(Fill, AFileThatCannotBeUsedIsAClearError) {
  const auto memory = make_memory();
  const TemporaryFile empty("");
  const auto from_empty = fill(*memory, make_layout(file_config(empty.path())));
  EXPECT_EQ(from_empty.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(from_empty.status().message().find("empty"), std::string::npos);
  const auto from_directory = fill(*memory, make_layout(file_config(testing::TempDir())));
  EXPECT_EQ(from_directory.status().code(), StatusCode::kInvalidArgument);
  const auto from_nowhere = fill(*memory, make_layout(file_config(empty.path() + ".missing")));
  EXPECT_FALSE(from_nowhere.ok());
  EXPECT_NE(from_nowhere.status().message().find(".missing"), std::string::npos);
}

TEST(Fill, AProcessGivesItsResidentPagesRepeatedToTheEnd) {
  const WaitingProcess process;
  const std::uint64_t pages = 4096;  // more than that small program has
  const auto memory = make_memory({3 * kPageBytes, (pages - 3) * kPageBytes});
  const GuestLayout layout = make_layout(process_config(process.pid()), pages);
  const auto filled = fill(*memory, layout);
  if (filled.status().code() == StatusCode::kNoPermission) {
    GTEST_SKIP() << filled.status().message();
  }
  ASSERT_TRUE(filled.ok()) << filled.status().message();
  EXPECT_EQ(populated_pages(*memory), pages);
  const std::uint64_t copied = std::stoull(filled.value().summary);
  ASSERT_LT(copied, pages / 2) << filled.value().summary;
  bool marker_seen = false;
  for (PageIndex page = 0; page < layout.page_count(); ++page) {
    const std::byte* const bytes = memory->engine_page(page);
    marker_seen |= ::memmem(bytes, kPageBytes, kMarker, sizeof kMarker) != nullptr;
    if (page >= copied) {
      ASSERT_EQ(std::memcmp(bytes, memory->engine_page(page - copied), kPageBytes), 0);
    }
  }
  EXPECT_TRUE(marker_seen);
  EXPECT_NE(filled.value().summary.find("repeated"), std::string::npos);
  EXPECT_NE(filled.value().summary.find("to fill " + std::to_string(layout.page_count())),
            std::string::npos);
}

TEST(Fill, AProcessThatIsNotThereIsAClearError) {
  WaitingProcess process;
  const int pid = process.pid();
  process.end();
  const auto filled = fill(*make_memory(), make_layout(process_config(pid)));
  EXPECT_EQ(filled.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(filled.status().message().find(std::to_string(pid)), std::string::npos);
}

TEST(Fill, AKvTableReplacesTheFillInTheWorkingSetOnly) {
  const auto memory = make_memory();
  WorkloadConfig config;
  config.kind = WorkloadKind::kKv;
  config.working_set_bytes = 10 * kPageBytes;
  ASSERT_TRUE(fill(*memory, make_layout(config)).ok());
  EXPECT_EQ(populated_pages(*memory), 10u);
}

}  // namespace
}  // namespace pageferry
