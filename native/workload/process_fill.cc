#include <algorithm>
#include <cstring>
#include <vector>

#include "os/pagemap.h"
#include "os/process_memory.h"
#include "workload/captured_fill.h"

namespace pageferry {

namespace {

constexpr std::uint64_t kPagesPerRead = 256;

std::string process_name(int pid) { return "process " + std::to_string(pid); }

Result<std::vector<AddressRange>> resident_ranges(int pid) {
  Result<ProcessMappings> mappings = ProcessMappings::open(pid);
  if (!mappings.ok()) return mappings.status();
  Result<Pagemap> pagemap = Pagemap::open_process(pid);
  if (!pagemap.ok()) return process_error(pid, pagemap.status().system_error());
  Result<std::vector<ProcessMapping>> all = mappings.value().read();
  if (!all.ok()) return all.status();
  std::vector<AddressRange> resident;
  for (const ProcessMapping& mapping : all.value()) {
    if (!mapping.readable) continue;
    Status status = pagemap.value().scan_populated(
        mapping.range, [&](AddressRange populated) { resident.push_back(populated); });
    if (!status.ok()) return process_error(pid, status.system_error());
  }
  return resident;
}

// Copies resident pages into [next, end) of the guest, from the front.
class ProcessCopy {
 public:
  ProcessCopy(const GuestMemory& memory, PageRange range, int pid)
      : memory_(memory), pid_(pid), next_(range.first), end_(range.end()) {}

  PageIndex next() const { return next_; }

  Status copy(AddressRange source) {
    std::uint64_t done = 0;
    while (done < source.bytes && next_ < end_) {
      const std::uint64_t pages = std::min((source.bytes - done) / kPageBytes, room());
      Result<std::uint64_t> got = read_process(
          pid_, source.start + done, std::span(memory_.guest_page(next_), pages * kPageBytes));
      if (!got.ok()) return got.status();
      const std::uint64_t whole = got.value() / kPageBytes;
      next_ += whole;
      // A short read stopped at a page that vanished or that nobody may read: leave that one out.
      done += (whole < pages ? whole + 1 : whole) * kPageBytes;
    }
    return Status();
  }

 private:
  // Pages of one engine mapping from next_ on, at most one read's worth.
  std::uint64_t room() const {
    const PageIndex region_end = memory_.region_of(next_).pages().end();
    return std::min({std::min(region_end, end_) - next_, kPagesPerRead});
  }

  const GuestMemory& memory_;
  const int pid_;
  PageIndex next_;
  const PageIndex end_;
};

std::uint64_t pages_in(const std::vector<AddressRange>& ranges) {
  std::uint64_t bytes = 0;
  for (const AddressRange& range : ranges) bytes += range.bytes;
  return bytes / kPageBytes;
}

// What was found, and what became of it: of `copied` pages `wanted` were filled.
std::string summary(int pid, std::uint64_t found, std::uint64_t copied, std::uint64_t wanted) {
  const std::string whose = " resident pages of " + process_name(pid);
  if (copied < wanted) {
    const std::uint64_t tenths = wanted * 10 / copied;
    return std::to_string(copied) + whose + ", repeated " + std::to_string(tenths / 10) + "." +
           std::to_string(tenths % 10) + " times to fill " + std::to_string(wanted) + " pages";
  }
  if (copied < found) {
    return "the first " + std::to_string(copied) + " of " + std::to_string(found) + whose;
  }
  return std::to_string(copied) + whose;
}

}  // namespace

Result<std::string> fill_from_process(const GuestMemory& memory, PageRange range, int pid) {
  Result<std::vector<AddressRange>> resident = resident_ranges(pid);
  if (!resident.ok()) return resident.status();
  ProcessCopy copy(memory, range, pid);
  for (const AddressRange& source : resident.value()) {
    if (Status status = copy.copy(source); !status.ok()) return status;
  }
  const std::uint64_t copied = copy.next() - range.first;
  if (copied == 0 && range.count > 0) {
    return Status(StatusCode::kInvalidArgument,
                  process_name(pid) + " has no readable resident memory (a kernel thread?)");
  }
  for (PageIndex page = copy.next(); page < range.end(); ++page) {
    std::memcpy(memory.guest_page(page), memory.guest_page(page - copied), kPageBytes);
  }
  return summary(pid, pages_in(resident.value()), copied, range.count);
}

}  // namespace pageferry
