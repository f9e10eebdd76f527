// The description of a built-in guest, as it comes with `open`.
//
// Input: 4 bytes pages of memory that are here, then the description.
#include "fuzz/target.h"
#include "workload/workload_wire.h"

namespace pageferry::fuzzing {

namespace {

void check_layout(const GuestLayout& layout, std::uint64_t memory_pages) {
  require(layout.memory_pages() == memory_pages, "it is a guest of the memory that is here");
  require(layout.page_count() > 0 && layout.page_count() <= memory_pages,
          "the guest lies in its memory");
  require(layout.appendix_range().end() == memory_pages, "the appendix ends with the memory");
  require(appendix_pages(layout.appendix_content(), layout.page_count()) <=
              layout.appendix_range().count,
          "the appendix has room");
  PageIndex next = 0;
  for (std::uint32_t thread = 0; thread < layout.config().threads; ++thread) {
    const PageRange share = layout.share(thread);
    require(share.first == next && share.count > 0,
            "each thread has the pages after the last one's");
    next = share.end();
  }
  require(next == layout.working_set_pages() && next <= layout.page_count(),
          "all shares together are the working set");
}

}  // namespace

void fuzz(Input input) {
  Choices choices(input);
  const auto memory_pages = choices.take<std::uint32_t>();
  const auto bytes = choices.take_all<std::uint8_t>(choices.rest().size());
  const auto decoded = decode_description(bytes, memory_pages);
  require(decoded.ok() || decoded.status().code() == StatusCode::kProtocol,
          "what is no description breaks protocol");
  if (!decoded.ok()) return;
  const GuestLayout& layout = decoded.value().layout;
  check_layout(layout, memory_pages);
  // Not always the same bytes: a working set that reaches into the appendix is cut.
  const auto again = encode_description(layout, decoded.value().appendix_hash);
  const auto decoded_again = decode_description(again, memory_pages);
  require(decoded_again.ok(), "a description that was taken can be passed on");
  require(encode_description(decoded_again.value().layout, decoded_again.value().appendix_hash) ==
              again,
          "and means the same there");
}

}  // namespace pageferry::fuzzing
