// The answers of the fault channel, which are taken as they come.
#include "fuzz/target.h"
#include "net/memory_stream_test_util.h"
#include "receive/answer_reader.h"

namespace pageferry::fuzzing {

namespace {

struct Taken {
  std::vector<PageIndex> pages;
  Bytes content;
  StatusCode ended = StatusCode::kOk;
  bool operator==(const Taken&) const = default;
};

Taken take_answers(const GuestMemory& memory, Input input, std::size_t most) {
  testing::MemoryStream stream(input, most);
  AnswerReader reader(memory, wire::ContentSet::all());
  Taken taken;
  while (true) {
    const auto next = reader.next();
    taken.ended = next.status().code();
    if (!next.ok()) return taken;
    if (next.value().has_value()) {
      const AnswerReader::Answer& answer = *next.value();
      require(answer.page < memory.page_count(), "an answer is about a page of the guest");
      taken.pages.push_back(answer.page);
      if (answer.data != nullptr) {
        taken.content.insert(taken.content.end(), answer.data, answer.data + kPageBytes);
      }
      continue;
    }
    const Status received = reader.receive(stream);
    taken.ended = received.code();
    if (!received.ok()) return taken;
  }
}

}  // namespace

void fuzz(Input input) {
  static const auto memory = GuestMemory::create_shared({12 * kPageBytes, 4 * kPageBytes});
  require(memory.ok(), "there is memory for a guest");
  const Taken whole = take_answers(*memory.value(), input, input.size() + 1);
  require(whole.ended == StatusCode::kProtocol || whole.ended == StatusCode::kPeerClosed,
          "a stream ends with its last byte or with what is wrong");
  require(whole == take_answers(*memory.value(), input, 1 + input.size() % 61),
          "how the bytes are cut makes no difference");
}

}  // namespace pageferry::fuzzing
