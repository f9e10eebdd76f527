// An image file, which came from somebody else or from a disk that has damaged it, and what a guest and `inspect` make of
// it.
//
// Input: 1 byte what is mended (below), 8 bytes number of an operation, 80 bytes header, 1 byte that follows it, then a byte
// for each content, which repeats it; the header says how many there are, and the file has 8 at most. Then the tables.
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "fuzz/image_rules.h"
#include "fuzz/target.h"
#include "image/image_file.h"
#include "inspect/page_contents.h"
#include "os/unique_fd.h"
#include "workload/snapshots.h"

namespace pageferry::fuzzing {

namespace {

constexpr std::uint64_t kMostContents = 8;
constexpr std::uint64_t kMostFileBytes = 256 << 10;

// Without these an input would hardly ever have the right length and checksums.
enum Mended : std::uint8_t {
  kLength = 1,     // the file gets the length that its header says, if that is not too long
  kChecksums = 2,  // of the contents of each snapshot
  kId = 4,
  kCut = 8,  // no mending: the contents vanish once the file is open
};

template <class T>
void put_at(Bytes& file, std::uint64_t offset, T value) {
  std::memcpy(file.data() + offset, &value, sizeof(value));
}

void mend_checksums(Bytes& file, const ImageLengths& lengths) {
  std::uint64_t content = 0;
  for (std::uint64_t at = 0; at < lengths.snapshots; at += 40) {
    const std::uint64_t row = lengths.tables_at() + at;
    const std::uint64_t left = lengths.contents / kImagePage - content;
    const std::uint64_t own = std::min(left, number_at<std::uint64_t>(file, row + 24));
    const auto bytes = Input(file).subspan((1 + content) * kImagePage, own * kImagePage);
    put_at(file, row + 32, image_checksum(bytes));
    content += own;
  }
}

Bytes file_of(Choices& choices, std::uint8_t mended) {
  Bytes file(kImagePage);
  const auto header = choices.take<std::array<std::byte, 80>>();
  std::ranges::copy(header, file.begin());
  file[80] = choices.take<std::byte>();
  const auto said = number_at<std::uint64_t>(file, 24);
  for (std::uint64_t content = 0; content < std::min(said, kMostContents); ++content) {
    file.insert(file.end(), kImagePage, choices.take<std::byte>());
  }
  file.insert(file.end(), choices.rest().begin(), choices.rest().end());
  const std::optional<ImageLengths> lengths = lengths_in(file);
  if (!lengths.has_value()) return file;
  if ((mended & kLength) != 0 && lengths->file() <= kMostFileBytes) file.resize(lengths->file());
  if (file.size() != lengths->file()) return file;
  if ((mended & kChecksums) != 0) mend_checksums(file, *lengths);
  if ((mended & kId) != 0) put_at(file, 72, id_of(file, *lengths));
  return file;
}

UniqueFd in_memory(const Bytes& file) {
  UniqueFd fd(::memfd_create("image", MFD_CLOEXEC));
  require(fd && ::write(fd.get(), file.data(), file.size()) == static_cast<ssize_t>(file.size()),
          "this machine has a file for the input");
  return fd;
}

void check_contents(const ImageFile& image, const RightImage& right, Input file) {
  require(image.check_contents().ok() == right.contents_match,
          "contents are right if their checksums are, and only then");
  require(image.entries().size() == right.entries.size(), "each entry is there");
  std::array<std::byte, kPageBytes> page;
  std::uint64_t content = 0;
  for (std::size_t i = 0; i < right.entries.size(); ++i) {
    const ImageFile::Entry& entry = image.entries()[i];
    const bool is_zero = right.entries[i] >> 31 != 0;
    require(entry.page == (right.entries[i] & 0x7fffffff), "an entry is of its page");
    require(entry.content == (is_zero ? ImageFile::kNoContent : content),
            "an entry has the next content, or is zero");
    require(image.read_content(entry.content, page).ok(), "a content can be read");
    if (is_zero) continue;
    const Input expected = file.subspan((1 + content) * kImagePage, kImagePage);
    require(std::ranges::equal(page, expected), "a content is the file's");
    ++content;
  }
}

// What a guest does that goes through the snapshots.
void check_steps(const std::shared_ptr<const ImageFile>& image, const RightImage& right,
                 std::uint64_t operation) {
  const std::uint64_t steps = right.entries.size() - right.of_first;
  const auto snapshots = Snapshots::create(image);
  require(snapshots.ok() == (steps > 0), "a guest has steps if a later snapshot has entries");
  if (!snapshots.ok()) return;
  const Snapshots& walk = *snapshots.value();
  const Snapshots::Step step = walk.step(operation);
  require(step.page < image->pages(), "a step is of a page of the image");
  require(walk.contents_after(operation)[step.page] == step.before, "a step finds what was there");
  require(walk.contents_after(operation + 1)[step.page] == step.after,
          "a step leaves what it says");
  require(walk.contents_after(2 * steps) == first_contents(*image), "a period ends as it began");
  const std::uint64_t period = 2 * image->snapshots().back().time_ns;
  require(walk.longest_wait_ns() <= period, "no step waits for longer than a period");
}

}  // namespace

void fuzz(Input input) {
  Choices choices(input);
  const auto mended = choices.take<std::uint8_t>();
  const auto operation = choices.take<std::uint64_t>() >> 1;
  const Bytes file = file_of(choices, mended);
  const UniqueFd fd = in_memory(file);
  const auto image = ImageFile::open("/proc/self/fd/" + std::to_string(fd.get()));
  const std::optional<RightImage> right = right_image(file);
  require(image.ok() == right.has_value(), "a file is an image if the document says so");
  if (!image.ok()) {
    require(image.status().code() == StatusCode::kInvalidArgument, "it is refused for what it is");
    return;
  }
  // An entry has 4 bytes in the file.
  require(image.value()->entries().capacity() * sizeof(ImageFile::Entry) <= 2 * file.size(),
          "entries take memory that the file has room for");
  require((mended & kCut) == 0 || ::ftruncate(fd.get(), kImagePage) == 0, "the file can be cut");
  if ((mended & kCut) != 0) {
    std::array<std::byte, kPageBytes> page;
    require(image.value()->read_content(0, page).code() == StatusCode::kInvalidArgument,
            "a content that has vanished is missed");
    return;
  }
  check_contents(*image.value(), *right, file);
  const auto counts = count_contents(*image.value());
  require(counts.ok(), "the pages can be counted");
  check_steps(image.value(), *right, operation);
}

}  // namespace pageferry::fuzzing
