#include "inspect/page_contents.h"

#include <cstring>
#include <span>

#include "codec/page_class.h"
#include "codec/zero_page.h"
#include "image/image_format.h"

namespace pageferry {
namespace {

constexpr std::size_t kWordBytes = 8;

bool repeats_one_word(PageBytes page) {
  return std::memcmp(page.data(), page.data() + kWordBytes, page.size() - kWordBytes) == 0;
}

}  // namespace

PageContent content_of(PageBytes page) {
  if (is_zero_page(page)) return PageContent::kZero;
  if (repeats_one_word(page)) return PageContent::kFill;
  switch (classify_page(page)) {
    case PageClass::kSparse:
      return PageContent::kSparse;
    case PageClass::kSimilar:
      return PageContent::kSimilar;
    case PageClass::kOther:
      break;
  }
  return PageContent::kOther;
}

std::vector<std::uint32_t> contents_at_first(const ImageFile& image) {
  std::vector<std::uint32_t> contents(image.pages(), ImageFile::kNoContent);
  for (const ImageFile::Entry& entry :
       std::span(image.entries()).first(image.snapshots().front().entries)) {
    contents[entry.page] = entry.content;
  }
  return contents;
}

Result<PageContent> content_at_first(const ImageFile& image, std::uint32_t page) {
  std::array<std::byte, kPageBytes> bytes;
  if (Status status = image.read_content(contents_at_first(image)[page], bytes); !status.ok()) {
    return status;
  }
  return content_of(bytes);
}

Result<ContentCounts> count_contents(const ImageFile& image) {
  ContentCounts counts = {};
  std::array<std::byte, kPageBytes> page;
  const auto first = std::span(image.entries()).first(image.snapshots().front().entries);
  std::uint64_t looked_at = 0;
  for (const ImageFile::Entry& entry : first) {
    if (entry.content == ImageFile::kNoContent) continue;
    if (Status status = image.read_content(entry.content, page); !status.ok()) return status;
    ++counts[static_cast<std::size_t>(content_of(page))];
    ++looked_at;
  }
  // A page without an entry, or whose entry has no content, is zero.
  counts[static_cast<std::size_t>(PageContent::kZero)] += image.pages() - looked_at;
  return counts;
}

}  // namespace pageferry
