// What the pages of an image hold, page by page: the cases that a sender tells apart.
//
// Thread contract: any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "codec/page_codec.h"
#include "image/image_file.h"
#include "os/status.h"

namespace pageferry {

// kSparse, kSimilar and kOther are the classes of codec/page_class.h.
enum class PageContent : std::uint8_t { kZero, kFill, kSparse, kSimilar, kOther };
inline constexpr std::size_t kPageContents = 5;

PageContent content_of(PageBytes page);

// Of all pages at the first snapshot, by their PageContent.
using ContentCounts = std::array<std::uint64_t, kPageContents>;
Result<ContentCounts> count_contents(const ImageFile& image);
// Of one page, below image.pages().
Result<PageContent> content_at_first(const ImageFile& image, std::uint32_t page);
// The number of the content of each page at the first snapshot.
std::vector<std::uint32_t> contents_at_first(const ImageFile& image);

}  // namespace pageferry
