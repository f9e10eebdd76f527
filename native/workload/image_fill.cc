#include <span>

#include "workload/captured_fill.h"
#include "workload/snapshots.h"

namespace pageferry {

Result<std::string> fill_from_image(const GuestMemory& memory, PageRange range,
                                    const ImageFile& image) {
  const std::vector<std::uint32_t> contents = first_contents(image);
  for (std::uint64_t i = 0; i < range.count; ++i) {
    const std::span<std::byte, kPageBytes> out(memory.guest_page(range.first + i), kPageBytes);
    Status status = image.read_content(contents[i % contents.size()], out);
    if (!status.ok()) return status;
  }
  const std::string pages = std::to_string(contents.size()) + " pages of the image";
  if (contents.size() > range.count) {
    return "the first " + std::to_string(range.count) + " of " + pages;
  }
  return contents.size() < range.count
             ? pages + ", repeated to fill " + std::to_string(range.count) + " pages"
             : pages;
}

}  // namespace pageferry
