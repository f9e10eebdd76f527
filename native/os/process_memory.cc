#include "os/process_memory.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace pageferry {

namespace {

std::string process_name(int pid) { return "process " + std::to_string(pid); }

std::string_view take_field(std::string_view& line) {
  const std::size_t start = std::min(line.find_first_not_of(' '), line.size());
  const std::size_t end = std::min(line.find(' ', start), line.size());
  const std::string_view field = line.substr(start, end - start);
  line.remove_prefix(end);
  return field;
}

bool parse_hexadecimal(std::string_view text, std::uint64_t& value) {
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value, 16);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

}  // namespace

// "start-end perms offset device inode   name", the first three in hexadecimal.
bool parse_mapping(std::string_view line, ProcessMapping& mapping) {
  const std::string_view range = take_field(line);
  const std::string_view permissions = take_field(line);
  const std::size_t dash = range.find('-');
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  if (dash == std::string_view::npos || permissions.size() != 4 ||
      !parse_hexadecimal(range.substr(0, dash), start) ||
      !parse_hexadecimal(range.substr(dash + 1), end) || end <= start) {
    return false;
  }
  for (int skipped = 0; skipped < 3; ++skipped) take_field(line);  // offset, device, inode
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  mapping.range = {start, end - start};
  mapping.readable = permissions[0] == 'r';
  mapping.writable = permissions[1] == 'w';
  mapping.shared = permissions[3] == 's';
  mapping.name = line;
  return true;
}

Result<ProcessMappings> ProcessMappings::open(int pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/maps";
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return process_error(pid, errno);
  return ProcessMappings(std::move(fd), pid);
}

Result<std::vector<ProcessMapping>> ProcessMappings::read() const {
  std::string text;
  char buffer[16384];
  for (;;) {
    const ssize_t got = ::pread(fd_.get(), buffer, sizeof buffer, static_cast<off_t>(text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == ESRCH) break;  // No memory any more.
    if (got < 0) return process_error(pid_, errno);
    if (got == 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  std::vector<ProcessMapping> mappings;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size() - 1);
    ProcessMapping mapping;
    if (parse_mapping(rest.substr(0, end), mapping)) mappings.push_back(std::move(mapping));
    rest.remove_prefix(end + 1);
  }
  return mappings;
}

Status ProcessMappings::explain(const Status& failure) const {
  const Result<std::vector<ProcessMapping>> mappings = read();
  const bool has_mappings = mappings.ok() && !mappings.value().empty();
  const bool not_found = failure.system_error() == ESRCH || failure.system_error() == ENOENT;
  if (has_mappings && !not_found) return failure;
  return Status(StatusCode::kPeerClosed, process_name(pid_) + " has ended");
}

Status process_error(int pid, int system_error) {
  switch (system_error) {
    case ENOENT:
    case ESRCH:
      return Status(StatusCode::kInvalidArgument, "no " + process_name(pid) + " is running",
                    system_error);
    case EACCES:
    case EPERM:
      return Status(StatusCode::kNoPermission,
                    "not allowed to read the memory of " + process_name(pid) +
                        "; run as its user or as root (ptrace permission)",
                    system_error);
    default:
      return Status::from_errno("reading the memory of " + process_name(pid), system_error);
  }
}

Result<std::uint64_t> read_process(int pid, std::uint64_t address, std::span<std::byte> out) {
  const iovec local{out.data(), out.size()};
  const iovec remote{reinterpret_cast<void*>(static_cast<std::uintptr_t>(address)), out.size()};
  const ssize_t got = ::process_vm_readv(pid, &local, 1, &remote, 1, 0);
  if (got >= 0) return static_cast<std::uint64_t>(got);
  if (errno == EFAULT || errno == EIO) return std::uint64_t{0};
  return process_error(pid, errno);
}

}  // namespace pageferry
