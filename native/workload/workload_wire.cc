#include "workload/workload_wire.h"

#include <string>

#include "workload/byte_codec.h"

namespace pageferry {

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint64_t kThreadStateBytes = 40;

Status malformed(const std::string& what) { return Status(StatusCode::kProtocol, "guest " + what); }

Status check_version(const char* what, std::uint8_t version) {
  if (version == kVersion) return Status();
  return malformed(std::string(what) + ": expected version 1, got " + std::to_string(version));
}

}  // namespace

std::vector<std::uint8_t> encode_description(const GuestLayout& layout,
                                             std::uint64_t appendix_hash) {
  const WorkloadConfig& config = layout.config();
  ByteWriter writer;
  writer.u8(kVersion);
  writer.u8(static_cast<std::uint8_t>(config.kind));
  writer.u8(static_cast<std::uint8_t>(config.fill));
  writer.u8(0);
  writer.u32(config.write_bytes);
  writer.u32(config.threads);
  writer.u64(layout.memory_pages());
  writer.u64(layout.working_set_pages());
  writer.u64(config.writes_per_second);
  writer.u64(config.seed);
  writer.u64(layout.appendix_content().trace.intervals);
  writer.u64(layout.appendix_content().trace.writes);
  writer.u64(appendix_hash);
  return writer.take();
}

Result<Description> decode_description(const std::vector<std::uint8_t>& bytes,
                                       std::uint64_t memory_pages) {
  ByteReader reader(bytes);
  if (Status status = check_version("description", reader.u8()); !status.ok()) return status;
  const std::uint8_t kind = reader.u8();
  const std::uint8_t fill = reader.u8();
  const std::uint8_t reserved = reader.u8();
  WorkloadConfig config;
  config.write_bytes = reader.u32();
  config.threads = reader.u32();
  const std::uint64_t described_pages = reader.u64();
  const std::uint64_t working_set_pages = reader.u64();
  config.writes_per_second = reader.u64();
  config.seed = reader.u64();
  const TraceSize trace{reader.u64(), reader.u64()};
  const std::uint64_t appendix_hash = reader.u64();
  if (!reader.ok()) return malformed("description: it is cut short");
  if (reader.left() != 0) return malformed("description: bytes follow its end");
  if (kind > static_cast<std::uint8_t>(WorkloadKind::kSnapshots) ||
      fill > static_cast<std::uint8_t>(FillKind::kImage) || reserved != 0) {
    return malformed("description: unknown workload, fill or reserved byte");
  }
  if (described_pages != memory_pages || working_set_pages == 0 ||
      working_set_pages > memory_pages) {
    return malformed("description: it is of a guest with other memory; here are " +
                     std::to_string(memory_pages) + " pages");
  }
  config.kind = static_cast<WorkloadKind>(kind);
  config.fill = static_cast<FillKind>(fill);
  config.working_set_bytes = working_set_pages * kPageBytes;
  Result<GuestLayout> layout = GuestLayout::create(config, memory_pages, trace);
  if (!layout.ok()) return malformed("description: " + layout.status().message());
  return Description{layout.value(), appendix_hash};
}

std::vector<std::uint8_t> encode_state(const GuestState& state) {
  ByteWriter writer;
  writer.u8(kVersion);
  writer.u8(state.gap_watch ? 1 : 0);
  writer.u32(static_cast<std::uint32_t>(state.threads.size()));
  for (const GuestState::Thread& thread : state.threads) {
    writer.u64(thread.progress.operations);
    writer.u64(thread.progress.page_writes);
    writer.u64(thread.progress.failed_reads);
    writer.u64(thread.gaps.since_mark_ns);
    writer.u64(thread.gaps.longest_ns);
  }
  return writer.take();
}

Result<GuestState> decode_state(const std::vector<std::uint8_t>& bytes, const GuestLayout& layout) {
  ByteReader reader(bytes);
  if (Status status = check_version("state", reader.u8()); !status.ok()) return status;
  const std::uint8_t watch = reader.u8();
  const std::uint32_t threads = reader.u32();
  if (!reader.ok() || watch > 1 || threads != layout.running_threads() ||
      reader.left() != threads * kThreadStateBytes) {
    return malformed("state: expected that of " + std::to_string(layout.running_threads()) +
                     " guest threads");
  }
  GuestState state;
  state.gap_watch = watch == 1;
  state.threads.resize(threads);
  for (GuestState::Thread& thread : state.threads) {
    GuestThread::Progress& progress = thread.progress;
    progress = {reader.u64(), reader.u64(), reader.u64()};
    thread.gaps = {reader.u64(), reader.u64()};
    const bool counts = progress.page_writes <= progress.operations &&
                        progress.failed_reads <= progress.operations &&
                        (layout.is_kv() || progress.page_writes == progress.operations);
    if (!counts || thread.gaps.since_mark_ns > GapRecorder::kLongestGapNs ||
        thread.gaps.longest_ns > GapRecorder::kLongestGapNs) {
      return malformed("state: its counts contradict each other");
    }
  }
  return state;
}

}  // namespace pageferry
