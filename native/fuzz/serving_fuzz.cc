// Records that arrive while the guest runs and every page is missing: the first copy of a page that is whole stays.
#include "fuzz/arriving.h"

namespace pageferry::fuzzing {

namespace {

struct Serving {
  ExpectedPages pages;
  // A record was cut or is wrong: how many of its pages have been published nobody can tell.
  bool spoilt = false;

  void expect_record(const std::vector<wire::TableEntry>& table, Input come) {
    // Only pages that are still missing are written.
    if (auto brought = pages_of(table, come, pages, Guest::kRuns); brought.has_value()) {
      pages.insert(brought->begin(), brought->end());
      return;
    }
    spoilt = true;
    for_each_named(table, [&](PageIndex page) { pages.insert({page, {.certain = false}}); });
  }
};

}  // namespace

void fuzz(Input input) {
  static const FencedGuest guest;
  // Pages that are missing hold nothing, whatever was there: serving gives them back.
  const auto& memory = guest.memory();
  const auto arriving = std::make_shared<ArrivingMemory>(memory);
  for (const Region& region : memory->regions()) {
    require(arriving->mark_missing(region.pages()).ok(), "every page can be missing");
  }
  int completed = 0;
  const Status started = arriving->start_serving([&] { ++completed; });
  if (started.code() == StatusCode::kUnsupported || started.code() == StatusCode::kNoPermission) {
    skip(started.message());
  }
  require(started.ok(), "serving starts");
  Serving serving;
  const Status ended = apply_stream(
      arriving, input, [&](const auto& table, Input come) { serving.expect_record(table, come); });
  require(ended.code() == StatusCode::kProtocol || ended.code() == StatusCode::kPeerClosed,
          "a stream ends with its last byte or with what is wrong");
  require(serving.spoilt || arriving->pages_missing() == kGuestPages - serving.pages.size(),
          "what is missing is what no record has brought");
  require(completed == (arriving->pages_missing() == 0 ? 1 : 0), "the last page is told of, once");
  require(arriving->complete().ok(), "serving ends");
  compare(*memory, serving.pages);
}

}  // namespace pageferry::fuzzing
