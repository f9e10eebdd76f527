#include "workload/process_trace.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <utility>

#include "os/unique_fd.h"

namespace pageferry {
namespace {

constexpr std::uint64_t kPages = 64;

// A child of this process that writes pages of its memory when it is told to, and says when it has done so.
class Writer {
 public:
  // `flags`: of the mapping whose pages it writes. All are populated before it says that it is there.
  explicit Writer(int flags) {
    int orders[2];
    int answers[2];
    EXPECT_EQ(::pipe2(orders, O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(answers, O_CLOEXEC), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(orders[1]);  // or it would never see that nobody gives orders any more
      ::close(answers[0]);
      serve(flags, orders[0], answers[1]);
    }
    ::close(orders[0]);
    ::close(answers[1]);
    orders_ = UniqueFd(orders[1]);
    answers_ = UniqueFd(answers[0]);
    await();
  }
  ~Writer() { end(); }

  int pid() const { return pid_; }
  void write_page(std::uint8_t page) { order(page); }
  // Maps as much again, and writes its first page.
  void grow() { order(kGrow); }
  void end() {
    orders_.reset();
    if (pid_ > 0) ::waitpid(std::exchange(pid_, 0), nullptr, 0);
  }

 private:
  static constexpr std::uint8_t kGrow = 255;

  void order(std::uint8_t what) {
    EXPECT_EQ(::write(orders_.get(), &what, 1), 1);
    await();
  }
  // On return it waits for the next order: right after its answer it still writes its stack.
  void await() {
    char done;
    EXPECT_EQ(::read(answers_.get(), &done, 1), 1);
    while (!sleeps()) ::usleep(100);
  }
  // Or is no more.
  bool sleeps() const {
    std::ifstream stat("/proc/" + std::to_string(pid_) + "/stat");
    std::string number, name, state;
    stat >> number >> name >> state;
    return state == "S" || state == "Z" || state.empty();
  }

  static std::uint8_t* map(int flags) {
    return static_cast<std::uint8_t*>(
        ::mmap(nullptr, kPages * kPageBytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0));
  }

  [[noreturn]] static void serve(int flags, int orders, int answers) {
    std::uint8_t* const memory = map(flags);
    std::memset(memory, 1, kPages * kPageBytes);
    std::uint8_t page = 0;
    do {
      if (::write(answers, &page, 1) != 1 || ::read(orders, &page, 1) != 1) ::_exit(0);
      if (page == kGrow) {
        map(flags)[0] = 7;
      } else {
        ++memory[page * kPageBytes + 5];
      }
    } while (true);
  }

  int pid_ = 0;
  UniqueFd orders_;
  UniqueFd answers_;
};

std::vector<TraceMethod> methods_here() {
  std::vector<TraceMethod> methods = {TraceMethod::kDigest};
  if (Pagemap::soft_dirty_is_offered()) methods.push_back(TraceMethod::kSoftDirty);
  return methods;
}

std::unique_ptr<ProcessTrace> start(const Writer& writer, TraceMethod method) {
  auto trace = ProcessTrace::start(writer.pid(), method);
  EXPECT_TRUE(trace.ok()) << trace.status().message();
  return std::move(trace.value());
}

ProcessTrace::Look look(ProcessTrace& trace) {
  auto look = trace.look();
  EXPECT_TRUE(look.ok()) << look.status().message();
  return look.value();
}

std::set<PageIndex> pages_of(const ProcessTrace::Look& look) {
  std::set<PageIndex> pages;
  for (const PageRange& run : look.written) {
    for (PageIndex page = run.first; page < run.end(); ++page) pages.insert(page);
  }
  return pages;
}

// Those of `pages` that are not among `others`, and whose next page is not. Beside the page that it was told to,
// the writer writes its stack, and now and then data of its libraries.
std::set<PageIndex> fresh(const std::set<PageIndex>& pages, const std::set<PageIndex>& others) {
  std::set<PageIndex> found;
  for (const PageIndex page : pages) {
    if (!others.contains(page) && !pages.contains(page + 1)) found.insert(page);
  }
  return found;
}

TEST(ProcessTrace, FindsThePagesThatWereWrittenSinceTheLookBefore) {
  for (const TraceMethod method : methods_here()) {
    for (const int flags : {MAP_PRIVATE, MAP_SHARED}) {
      SCOPED_TRACE(testing::Message() << static_cast<int>(method) << " " << flags);
      Writer writer(flags);
      const auto trace = start(writer, method);
      writer.write_page(1);
      const auto one = pages_of(look(*trace));
      writer.write_page(9);
      const auto nine = pages_of(look(*trace));
      writer.write_page(10);
      writer.write_page(9);
      writer.write_page(9);
      const auto both = pages_of(look(*trace));
      const auto is_nine = [&](PageIndex page) {
        return both.contains(page) && both.contains(page + 1);
      };
      EXPECT_EQ(std::ranges::count_if(fresh(nine, one), is_nine), 1);
    }
  }
}

TEST(ProcessTrace, AnIdleProcessWritesNothing) {
  for (const TraceMethod method : methods_here()) {
    Writer writer(MAP_PRIVATE);
    const auto trace = start(writer, method);
    look(*trace);
    const auto idle = look(*trace);
    EXPECT_TRUE(idle.written.empty());
    EXPECT_GE(idle.page_count, kPages);
  }
}

TEST(ProcessTrace, AMappingThatAppearsLaterGetsTheNextIndices) {
  for (const TraceMethod method : methods_here()) {
    Writer writer(MAP_PRIVATE);
    const auto trace = start(writer, method);
    writer.write_page(0);
    const auto before = look(*trace);
    writer.grow();
    const auto after = look(*trace);
    EXPECT_GT(after.page_count, before.page_count);
    EXPECT_LT(after.page_count, before.page_count + kPages);
    // Not always the very next one: under ASan a page of its shadow may appear with it, which is read alone.
    const auto is_new = [&](PageIndex page) { return page >= before.page_count; };
    EXPECT_TRUE(std::ranges::any_of(pages_of(after), is_new));
  }
}

TEST(ProcessTrace, SaysThatTheProcessHasEnded) {
  for (const TraceMethod method : methods_here()) {
    Writer writer(MAP_PRIVATE);
    const auto trace = start(writer, method);
    writer.end();
    EXPECT_EQ(trace->look().status().code(), StatusCode::kPeerClosed);
  }
}

TEST(ProcessTrace, AProcessThatIsNotThereIsAClearError) {
  Writer writer(MAP_PRIVATE);
  const int pid = writer.pid();
  writer.end();
  const Status status = ProcessTrace::start(pid).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find(std::to_string(pid)), std::string::npos);
}

TEST(ProcessTrace, IsAboutMemoryThatTheProcessItselfWrites) {
  const auto traced = [](const char* line) {
    ProcessMapping mapping;
    EXPECT_TRUE(parse_mapping(line, mapping)) << line;
    return is_traced(mapping);
  };
  EXPECT_TRUE(traced("559b5c000000-559b5c021000 rw-p 00000000 00:00 0        [heap]"));
  EXPECT_TRUE(traced("7ffd0a000000-7ffd0a021000 rw-p 00000000 00:00 0        [stack]"));
  EXPECT_TRUE(traced("7f0000000000-7f0000021000 rw-p 00000000 00:00 0 "));
  EXPECT_TRUE(traced("7f0000000000-7f0000021000 rwxp 00000000 00:00 0"));
  EXPECT_TRUE(traced("7f0000000000-7f0000021000 rw-s 00000000 00:01 42   /dev/zero (deleted)"));
  EXPECT_TRUE(traced("7f0000000000-7f0000021000 rw-s 00000000 00:01 42   /memfd:v8 (deleted)"));
  EXPECT_FALSE(traced("7f0000000000-7f0000021000 r--p 00000000 00:00 0 "));
  EXPECT_FALSE(traced("7f0000000000-7f0000021000 ---p 00000000 00:00 0 "));
  EXPECT_FALSE(traced("7f0000000000-7f0000021000 rw-p 00001000 08:01 99   /usr/lib/libc.so.6"));
  EXPECT_FALSE(traced("7f0000000000-7f0000021000 rw-s 00001000 08:01 99   /var/lib/file"));
  ProcessMapping none;
  for (const char* line : {"", "nonsense", "1-0 rw-p", "12 rw-p 0 0 0", "1-z rw-p 0 0:0 0"}) {
    EXPECT_FALSE(parse_mapping(line, none)) << line;
  }
}

}  // namespace
}  // namespace pageferry
