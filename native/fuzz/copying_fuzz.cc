// Records that arrive before the switchover: the last copy of a page is the one that stays.
#include "fuzz/arriving.h"

namespace pageferry::fuzzing {

void fuzz(Input input) {
  static const FencedGuest guest;
  const auto& memory = guest.zeroed_memory();
  const auto arriving = std::make_shared<ArrivingMemory>(memory);
  ExpectedPages expected;
  const Status ended = apply_stream(arriving, input, [&](const auto& table, Input come) {
    if (auto brought = pages_of(table, come, expected, Guest::kArriving); brought.has_value()) {
      for (auto& [page, content] : *brought) expected[page] = std::move(content);
    } else {
      for_each_named(table, [&](PageIndex page) { expected[page].certain = false; });
    }
  });
  require(ended.code() == StatusCode::kProtocol || ended.code() == StatusCode::kPeerClosed,
          "a stream ends with its last byte or with what is wrong");
  compare(*memory, expected);
}

}  // namespace pageferry::fuzzing
