#include "workload/builtin_workload.h"

#include <algorithm>

#include "workload/fill.h"
#include "workload/mark_timer.h"
#include "workload/verifier.h"
#include "workload/workload_wire.h"

namespace pageferry {

namespace {

Status check_local(const GuestMemory& memory) {
  if (memory.local()) return Status();
  return Status(StatusCode::kInvalidArgument,
                "a built-in guest runs in this process; its memory is another process's");
}

Status not_paused(const char* call) {
  return Status(StatusCode::kInvalidArgument,
                std::string(call) + " needs a paused guest; this one runs");
}

TraceSize size_of(const Trace& trace) { return {trace.intervals.size(), trace.writes.size()}; }

// It is read as one run of bytes.
Status check_appendix(const GuestMemory& memory, const GuestLayout& layout) {
  const PageRange range = layout.appendix_range();
  if (range.count == 0 || memory.region_of(range.first).pages().end() == range.end())
    return Status();
  return Status(StatusCode::kInvalidArgument,
                "its digests or its trace take more than the last region of its memory");
}

using Basis = BuiltinWorkload::Basis;

Result<std::unique_ptr<Workload>> create_filled(std::shared_ptr<GuestMemory> memory,
                                                const GuestLayout& layout, const Trace& trace,
                                                const ImageFile* image,
                                                std::shared_ptr<const Snapshots> snapshots = {}) {
  if (Status status = check_appendix(*memory, layout); !status.ok()) return status;
  Result<FillOutcome> filled = fill(*memory, layout, trace, image);
  if (!filled.ok()) return filled.status();
  const Basis basis{filled.value().appendix_hash, std::move(snapshots)};
  return BuiltinWorkload::make(std::move(memory), layout, basis, std::move(filled.value().summary));
}

// `layout` has room for all of the trace. Scaled to the pages that this leaves, it may need less.
Result<std::unique_ptr<Workload>> create_traced(std::shared_ptr<GuestMemory> memory,
                                                const GuestLayout& layout, const Trace& trace,
                                                const ImageFile* image) {
  WorkloadConfig config = layout.config();
  const std::uint64_t pages = std::min(trace.page_count, layout.working_set_pages());
  config.working_set_bytes = pages * kPageBytes;
  const Trace scaled = scaled_trace(trace, pages);
  Result<GuestLayout> final_layout =
      GuestLayout::create(config, memory->page_count(), size_of(scaled));
  if (!final_layout.ok()) return final_layout.status();
  return create_filled(std::move(memory), final_layout.value(), scaled, image);
}

// The image that the guest begins with; none where it begins with something else.
Result<SharedImage> open_fill(const WorkloadConfig& config) {
  if (config.fill != FillKind::kImage) return SharedImage();
  return ImageFile::open_checked(config.fill_path);
}

Result<std::unique_ptr<Workload>> create_from_snapshots(std::shared_ptr<GuestMemory> memory,
                                                        WorkloadConfig config,
                                                        const SharedImage& image) {
  Result<std::shared_ptr<const Snapshots>> snapshots = Snapshots::create(image);
  if (!snapshots.ok()) return snapshots.status();
  if (image->pages() > memory->page_count()) {
    return Status(StatusCode::kInvalidArgument,
                  "the image has " + std::to_string(image->pages()) +
                      " pages, and a guest that goes through its snapshots needs as many; it has " +
                      std::to_string(memory->page_count()));
  }
  config.working_set_bytes = image->pages() * kPageBytes;
  Result<GuestLayout> layout = GuestLayout::create(config, memory->page_count());
  if (!layout.ok()) return layout.status();
  return create_filled(std::move(memory), layout.value(), {}, image.get(),
                       std::move(snapshots.value()));
}

// The snapshots of the image with this id, if it is one of those.
Result<std::shared_ptr<const Snapshots>> snapshots_of(std::uint64_t id, std::uint64_t pages,
                                                      const std::vector<SharedImage>& images) {
  for (const SharedImage& image : images) {
    if (image->id() == id && image->pages() == pages) return Snapshots::create(image);
  }
  return Status(StatusCode::kUnsupported,
                "the guest goes through the snapshots of an image, and this side has not been "
                "given that image. Give it to the destination (--image FILE)");
}

}  // namespace

Result<std::unique_ptr<Workload>> Workload::create(std::shared_ptr<GuestMemory> memory,
                                                   const WorkloadConfig& config,
                                                   const Trace& trace) {
  if (Status status = check_local(*memory); !status.ok()) return status;
  Result<GuestLayout> layout = GuestLayout::create(config, memory->page_count(), size_of(trace));
  if (!layout.ok()) return layout.status();
  Result<SharedImage> image = open_fill(config);
  if (!image.ok()) return image.status();
  if (config.kind == WorkloadKind::kSnapshots) {
    return create_from_snapshots(std::move(memory), config, image.value());
  }
  if (config.kind == WorkloadKind::kTrace) {
    return create_traced(std::move(memory), layout.value(), trace, image.value().get());
  }
  return create_filled(std::move(memory), layout.value(), trace, image.value().get());
}

Result<std::unique_ptr<Workload>> Workload::arrive(std::shared_ptr<GuestMemory> memory,
                                                   const std::vector<std::uint8_t>& description,
                                                   const std::vector<SharedImage>& images) {
  if (Status status = check_local(*memory); !status.ok()) return status;
  Result<Description> decoded = decode_description(description, memory->page_count());
  if (!decoded.ok()) return decoded.status();
  const GuestLayout& layout = decoded.value().layout;
  if (Status status = check_appendix(*memory, layout); !status.ok()) {
    return Status(StatusCode::kProtocol, "guest description: " + status.message());
  }
  Basis basis{decoded.value().appendix_hash, {}};
  if (layout.is_snapshots()) {
    auto snapshots =
        snapshots_of(decoded.value().appendix_hash, layout.working_set_pages(), images);
    if (!snapshots.ok()) return snapshots.status();
    basis = {0, std::move(snapshots.value())};
  }
  return BuiltinWorkload::make(std::move(memory), layout, basis, std::string());
}

Result<std::unique_ptr<Workload>> BuiltinWorkload::make(std::shared_ptr<GuestMemory> memory,
                                                        const GuestLayout& layout,
                                                        const Basis& basis,
                                                        std::string fill_summary) {
  std::unique_ptr<BuiltinWorkload> guest(
      new BuiltinWorkload(std::move(memory), layout, basis, std::move(fill_summary)));
  if (Status status = guest->start_threads(); !status.ok()) return status;
  return std::unique_ptr<Workload>(std::move(guest));
}

BuiltinWorkload::BuiltinWorkload(std::shared_ptr<GuestMemory> memory, const GuestLayout& layout,
                                 const Basis& basis, std::string fill_summary)
    : memory_(std::move(memory)),
      layout_(layout),
      basis_(basis),
      fill_summary_(std::move(fill_summary)) {
  for (std::uint32_t i = 0; i < layout_.running_threads(); ++i) {
    guests_.push_back(std::make_unique<GuestThread>(*memory_, layout_, basis_.snapshots, i,
                                                    control_, gap_watch_));
  }
}

BuiltinWorkload::~BuiltinWorkload() {
  memory_->release_waiters();
  pause();
  control_.stop();
}

std::vector<std::uint8_t> BuiltinWorkload::description() const {
  const bool has_image = basis_.snapshots != nullptr;
  return encode_description(layout_,
                            has_image ? basis_.snapshots->image().id() : basis_.appendix_hash);
}

Status BuiltinWorkload::start_threads() {
  for (const auto& guest : guests_) {
    Result<NativeThread> thread =
        NativeThread::start("pf-guest-" + std::to_string(threads_.size()),
                            [&guest = *guest]() noexcept { guest.run(); });
    if (!thread.ok()) return thread.status();
    threads_.push_back(std::move(thread.value()));
  }
  return Status();
}

void BuiltinWorkload::resume() {
  if (paused_) resumed_ns_ = monotonic_ns();
  if (!started_) {
    for (const auto& guest : guests_) guest->gaps().start(resumed_ns_);
  }
  started_ = true;
  paused_ = false;
  // Also when it is not paused: a pause may have been asked for and given up before the guest had parked.
  control_.resume();
}

bool BuiltinWorkload::pause_within(std::chrono::nanoseconds patience) {
  if (!paused_ && control_.pause_within(patience)) note_paused();
  return paused_;
}

void BuiltinWorkload::note_paused() {
  paused_ = true;
  paused_ns_ = monotonic_ns();
}

void BuiltinWorkload::pause() {
  if (paused_) return;
  control_.pause();
  note_paused();
}

Result<std::vector<std::uint8_t>> BuiltinWorkload::save_state() const {
  if (!paused_) return not_paused("save_state");
  GuestState state;
  state.gap_watch = gap_watch_.active();
  for (const auto& guest : guests_) {
    state.threads.push_back({guest->progress(), guest->gaps().save(paused_ns_)});
  }
  return encode_state(state);
}

Status BuiltinWorkload::load_state(const std::vector<std::uint8_t>& state) {
  if (started_) {
    return Status(StatusCode::kInvalidArgument, "load_state needs a guest that has not run here");
  }
  Result<GuestState> decoded = decode_state(state, layout_);
  if (!decoded.ok()) return decoded.status();
  if (decoded.value().gap_watch) gap_watch_.continue_from_afar();
  for (std::size_t i = 0; i < guests_.size(); ++i) {
    guests_[i]->set_progress(decoded.value().threads[i].progress);
    guests_[i]->gaps().load(decoded.value().threads[i].gaps);
  }
  return Status();
}

WorkloadProgress BuiltinWorkload::progress() const {
  WorkloadProgress sum{0, 0};
  for (const auto& guest : guests_) {
    const GuestThread::Progress progress = guest->progress();
    sum.operations += progress.operations;
    sum.page_writes += progress.page_writes;
  }
  return sum;
}

void BuiltinWorkload::start_gap_watch() {
  if (!started_) {
    for (const auto& guest : guests_) guest->gaps().forget();
  }
  gap_watch_.begin(monotonic_ns());
}

std::uint64_t BuiltinWorkload::longest_gap_ns() const {
  std::uint64_t longest = 0;
  for (const auto& guest : guests_) {
    longest = std::max(longest, guest->gaps().longest_ns(monotonic_ns()));
  }
  return longest;
}

// A thread that waits for its pacer makes no marks meanwhile.
std::uint64_t BuiltinWorkload::gap_resolution_ns() const {
  const WorkloadConfig& config = layout_.config();
  const std::uint64_t wait_ns =
      basis_.snapshots == nullptr ? Pacer::longest_wait_ns(config.writes_per_second, config.threads)
                                  : basis_.snapshots->longest_wait_ns();
  return std::max<std::uint64_t>(kMarkIntervalNs, wait_ns);
}

GapRecorder::AroundArrival BuiltinWorkload::gaps_around_arrival() const {
  GapRecorder::AroundArrival longest = {};
  for (const auto& guest : guests_) {
    const auto gaps = guest->gaps().around_arrival(monotonic_ns());
    longest.before_ns = std::max(longest.before_ns, gaps.before_ns);
    longest.across_ns = std::max(longest.across_ns, gaps.across_ns);
    longest.after_ns = std::max(longest.after_ns, gaps.after_ns);
  }
  return longest;
}

void BuiltinWorkload::set_time_away(std::uint64_t nanoseconds) {
  gap_watch_.set_away(std::min(nanoseconds, GapRecorder::kLongestGapNs));
}

Result<VerifyResult> BuiltinWorkload::verify(unsigned threads, const PageSample& sample,
                                             const std::atomic<bool>& cancelled) {
  if (!paused_) return not_paused("verify");
  VerifyInput input{*memory_, layout_, basis_.appendix_hash, {}, sample, basis_.snapshots.get()};
  std::uint64_t failed_reads = 0;
  for (const auto& guest : guests_) {
    const GuestThread::Progress progress = guest->progress();
    input.operations.push_back(progress.operations);
    failed_reads += progress.failed_reads;
  }
  Result<VerifyResult> result = verify_guest(input, std::max(1u, threads), cancelled);
  if (result.ok()) result.value().failed_reads = failed_reads;
  return result;
}

}  // namespace pageferry
