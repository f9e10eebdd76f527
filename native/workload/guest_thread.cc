#include "workload/guest_thread.h"

#include "workload/mark_timer.h"

namespace pageferry {

namespace {

// The only writer of `counter` is the calling thread: no read-modify-write cycle is needed.
void increment(std::atomic<std::uint64_t>& counter) {
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

// In post-copy the guest fetches its trace as it goes, as any program does its code.
TraceView trace_of(const GuestLayout& layout, const GuestPages& pages) {
  if (!layout.is_trace()) return {};
  const std::byte* const start = pages.at(layout.appendix_range().first);
  return Appendix(start, layout.appendix_content(), layout.page_count()).trace();
}

}  // namespace

GuestPages::GuestPages(const GuestMemory& memory) {
  for (const Region& region : memory.regions()) {
    auto* const base = reinterpret_cast<std::byte*>(static_cast<std::uintptr_t>(region.guest_base));
    runs_.push_back({region.first_page, region.pages().end(), base});
  }
}

GuestThread::GuestThread(const GuestMemory& memory, const GuestLayout& layout,
                         std::shared_ptr<const Snapshots> snapshots, std::uint32_t index,
                         RunControl& control, const GapWatch& watch)
    : layout_(layout),
      pages_(memory),
      snapshots_(std::move(snapshots)),
      program_(layout.program(index, trace_of(layout, pages_))),
      share_(layout.share(index)),
      control_(control),
      pacer_(layout.config().writes_per_second, layout.config().threads),
      trace_pacer_(snapshots_ == nullptr ? trace_of(layout, pages_) : snapshots_->schedule()),
      gaps_(watch) {}

void GuestThread::run() {
  while (control_.await_resume()) {
    run_operations();
    control_.park();
  }
}

void GuestThread::run_operations() {
  MarkTimer timer;
  std::uint64_t operation = operations_.load(std::memory_order_relaxed);
  while (!control_.pause_requested()) {
    if (credit_ == 0 && !await_credit(operation)) return;
    operate(operation);
    operations_.store(++operation, std::memory_order_relaxed);
    if (const std::int64_t now = monotonic_ns(); timer.due(now)) gaps_.mark(now);
  }
}

void GuestThread::operate(std::uint64_t operation) {
  if (snapshots_ != nullptr) return operate_on_image(operation);
  const Program::Choice choice = program_.choose(operation);
  if (layout_.is_kv()) return operate_on_table(choice);
  const PageIndex page = share_.first + choice.item;
  layout_.slots().write(pages_.at(page), page);
  count_page_write();
}

void GuestThread::operate_on_table(const Program::Choice& choice) {
  const KvTable& table = layout_.table();
  const std::uint64_t number = share_.first * table.keys_per_page() + choice.item;
  std::byte* const page = pages_.at(table.page_of(number));
  const bool found = choice.write ? table.set(page, number) : table.get(page, number);
  if (!found) increment(failed_reads_);
  if (choice.write) count_page_write();
}

void GuestThread::operate_on_image(std::uint64_t operation) {
  const Snapshots::Step step = snapshots_->step(operation);
  if (!snapshots_->apply(step, pages_.at(share_.first + step.page))) increment(failed_reads_);
  count_page_write();
}

void GuestThread::count_page_write() {
  increment(page_writes_);
  --credit_;
}

// False when the guest is to pause instead.
bool GuestThread::await_credit(std::uint64_t operation) {
  const bool has_schedule = layout_.is_trace() || snapshots_ != nullptr;
  for (;;) {
    const std::int64_t now = monotonic_ns();
    credit_ = has_schedule ? trace_pacer_.grant(now, operation) : pacer_.grant(now);
    if (credit_ > 0) return true;
    const std::int64_t next =
        has_schedule ? trace_pacer_.next_grant_ns(now, operation) : pacer_.next_grant_ns(now);
    if (!control_.sleep_until(next)) return false;
  }
}

GuestThread::Progress GuestThread::progress() const {
  return {operations_.load(std::memory_order_relaxed), page_writes_.load(std::memory_order_relaxed),
          failed_reads_.load(std::memory_order_relaxed)};
}

void GuestThread::set_progress(const Progress& progress) {
  operations_.store(progress.operations, std::memory_order_relaxed);
  page_writes_.store(progress.page_writes, std::memory_order_relaxed);
  failed_reads_.store(progress.failed_reads, std::memory_order_relaxed);
}

}  // namespace pageferry
