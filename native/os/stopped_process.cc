#include "os/stopped_process.h"

#include <dirent.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "os/process_memory.h"

namespace pageferry {

namespace {

// A thread in an uninterruptible wait stops when that is over.
constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::microseconds kBetweenLooks{200};

std::string tasks_of(int pid) { return "/proc/" + std::to_string(pid) + "/task"; }

// The letter of its state; 0 for a thread that has ended.
char state_of(const std::string& task) {
  std::ifstream file(task + "/stat");
  std::string line;
  std::getline(file, line);
  // The name is in parentheses, and may hold any of them itself.
  const std::size_t end = line.rfind(')');
  return end != std::string::npos && end + 2 < line.size() ? line[end + 2] : '\0';
}

std::vector<std::string> threads_of(int pid) {
  const std::string folder = tasks_of(pid);
  std::vector<std::string> threads;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(folder.c_str()), ::closedir);
  if (entries == nullptr) return threads;
  while (const dirent* entry = ::readdir(entries.get())) {
    if (entry->d_name[0] != '.') threads.push_back(folder + "/" + entry->d_name);
  }
  return threads;
}

// By a signal, or by a tracer; or it runs no more.
bool stands_still(char state) {
  return state == 'T' || state == 't' || state == 'Z' || state == 'X' || state == '\0';
}

bool all_stand_still(int pid) {
  return std::ranges::all_of(threads_of(pid),
                             [](const std::string& task) { return stands_still(state_of(task)); });
}

int send(const UniqueFd& process, int signal) {
  return static_cast<int>(::syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0));
}

}  // namespace

Result<StoppedProcess> StoppedProcess::stop(int pid) {
  if (pid == ::getpid()) {
    return Status(StatusCode::kInvalidArgument, "a process cannot stop itself and go on");
  }
  UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return process_error(pid, errno);
  const char before = state_of("/proc/" + std::to_string(pid));
  if (before == 'T' || before == 't') return StoppedProcess(UniqueFd());
  if (send(process, SIGSTOP) != 0) return process_error(pid, errno);
  StoppedProcess stopped(std::move(process));
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!all_stand_still(pid)) {
    if (std::chrono::steady_clock::now() > deadline) {
      return Status(StatusCode::kSystem, "process " + std::to_string(pid) +
                                             " did not stop within 10 s: one of its threads waits "
                                             "for a device");
    }
    std::this_thread::sleep_for(kBetweenLooks);
  }
  return stopped;
}

StoppedProcess::~StoppedProcess() {
  if (process_.valid()) (void)send(process_, SIGCONT);
}

}  // namespace pageferry
