#include "inspect/encoding_trial.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "inspect/page_contents.h"

namespace pageferry {
namespace {

using Clock = std::chrono::steady_clock;

// A block that does not get below this share of its pages is sent as it is.
constexpr std::size_t kShrunkPercent = 95;
// Of pages that are tried together, and of a stripe, which no block leaves.
constexpr std::uint64_t kRunPages = 1024;

// A page, and what it holds before and after; the contents are of the image.
struct Candidate {
  std::uint32_t page;
  std::uint32_t before;
  std::uint32_t after;
};

std::uint64_t ns_since(Clock::time_point started) {
  const auto took = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - started);
  return static_cast<std::uint64_t>(took.count());
}

// Pages that hold something at the first snapshot.
std::vector<Candidate> first_pages(const ImageFile& image) {
  std::vector<Candidate> pages;
  for (const ImageFile::Entry& entry :
       std::span(image.entries()).first(image.snapshots().front().entries)) {
    if (entry.content != ImageFile::kNoContent) {
      pages.push_back({entry.page, ImageFile::kNoContent, entry.content});
    }
  }
  return pages;
}

// Pages that hold something before a later snapshot and after it, once for each snapshot that changes them.
std::vector<Candidate> changed_pages(const ImageFile& image) {
  std::vector<Candidate> pages;
  std::vector<std::uint32_t> contents = contents_at_first(image);
  const std::uint64_t first = image.snapshots().front().entries;
  for (const ImageFile::Entry& entry : std::span(image.entries()).subspan(first)) {
    const std::uint32_t before = contents[entry.page];
    contents[entry.page] = entry.content;
    if (before == ImageFile::kNoContent || entry.content == ImageFile::kNoContent) continue;
    pages.push_back({entry.page, before, entry.content});
  }
  return pages;
}

// Runs of neighbours, evenly spread, which have about so many pages together.
std::vector<Candidate> sample_of(std::vector<Candidate> pages, std::uint64_t most) {
  if (most == 0 || pages.size() <= most) return pages;
  const std::uint64_t every = (pages.size() + most - 1) / most;
  std::vector<Candidate> sample;
  for (std::size_t i = 0; i < pages.size(); ++i) {
    if (i / kRunPages % every == 0) sample.push_back(pages[i]);
  }
  return sample;
}

// Gathers pages and tries them a block at a time.
class Bench {
 public:
  Bench(const ImageFile& image, const Trial& trial)
      : image_(image),
        trial_(trial),
        needs_base_(needs_base(trial.encoding)),
        encoder_(make_block_encoder(trial.encoding)),
        decoder_(make_block_decoder(trial.encoding)) {}

  Status add(const Candidate& candidate) {
    const bool apart = count_ > 0 && (candidate.page <= last_page_ ||
                                      candidate.page / kRunPages != last_page_ / kRunPages);
    if (apart) {
      if (Status status = flush(); !status.ok()) return status;
    }
    const MutablePageBytes page(pages_.data() + count_ * kPageBytes, kPageBytes);
    if (Status status = image_.read_content(candidate.after, page); !status.ok()) return status;
    const PageContent content = content_of(page);
    if (content == PageContent::kZero || content == PageContent::kFill) return Status();
    if (needs_base_) {
      const MutablePageBytes base(bases_.data() + count_ * kPageBytes, kPageBytes);
      if (Status status = image_.read_content(candidate.before, base); !status.ok()) return status;
    }
    last_page_ = candidate.page;
    return ++count_ == trial_.block_pages ? flush() : Status();
  }

  Status flush() {
    if (count_ == 0) return Status();
    const std::size_t count = std::exchange(count_, 0);
    const auto pages = std::span<const std::byte>(pages_).first(count * kPageBytes);
    const auto base = std::span<const std::byte>(bases_).first(needs_base_ ? pages.size() : 0);
    const auto out = std::span(encoded_).first(pages.size() * kShrunkPercent / 100);
    const auto started = Clock::now();
    const auto length = encoder_->encode(pages, base, trial_.level, out);
    result_.encode_ns += ns_since(started);
    result_.pages += count;
    result_.bytes_out += length.value_or(pages.size());
    if (!length.has_value()) {
      result_.pages_raw += count;
      return Status();
    }
    return decode(out.first(*length), base, pages);
  }

  const TrialResult& result() const { return result_; }

 private:
  Status decode(std::span<const std::byte> encoded, std::span<const std::byte> base,
                std::span<const std::byte> pages) {
    const auto decoded = std::span(decoded_).first(pages.size());
    const auto started = Clock::now();
    if (Status status = decoder_->decode(encoded, base, decoded); !status.ok()) return status;
    result_.decode_ns += ns_since(started);
    if (std::ranges::equal(decoded, pages)) return Status();
    return Status(StatusCode::kProtocol, "the block that ends with page " +
                                             std::to_string(last_page_) +
                                             " was decoded to something else");
  }

  const ImageFile& image_;
  const Trial trial_;
  const bool needs_base_;
  const std::unique_ptr<BlockEncoder> encoder_;
  const std::unique_ptr<BlockDecoder> decoder_;
  std::vector<std::byte> pages_ = std::vector<std::byte>(kMostBlockBytes);
  std::vector<std::byte> bases_ = std::vector<std::byte>(kMostBlockBytes);
  std::vector<std::byte> encoded_ = std::vector<std::byte>(kMostBlockBytes);
  std::vector<std::byte> decoded_ = std::vector<std::byte>(kMostBlockBytes);
  std::size_t count_ = 0;
  std::uint32_t last_page_ = 0;  // of the block under way
  TrialResult result_;
};

}  // namespace

Result<TrialResult> try_encoding(const ImageFile& image, const Trial& trial) {
  if (needs_base(trial.encoding) && !trial.changes) {
    return Status(StatusCode::kInvalidArgument,
                  "a delta needs what the pages held before: only later snapshots have that");
  }
  Bench bench(image, trial);
  for (const Candidate& candidate :
       sample_of(trial.changes ? changed_pages(image) : first_pages(image), trial.most_pages)) {
    if (Status status = bench.add(candidate); !status.ok()) return status;
  }
  if (Status status = bench.flush(); !status.ok()) return status;
  return bench.result();
}

Result<BlockOfPage> try_block_of(const ImageFile& image, std::uint32_t page, Encoding encoding,
                                 int level, std::size_t block_pages) {
  const std::vector<std::uint32_t> contents = contents_at_first(image);
  const std::uint64_t first = page / kRunPages * kRunPages;
  const std::uint64_t end = std::min<std::uint64_t>(first + kRunPages, contents.size());
  std::vector<std::byte> pages(block_pages * kPageBytes);
  std::size_t count = 0;
  bool has_page = false;
  for (std::uint64_t each = first; each < end; ++each) {
    if (contents[each] == ImageFile::kNoContent) continue;
    const MutablePageBytes room(pages.data() + count * kPageBytes, kPageBytes);
    if (Status status = image.read_content(contents[each], room); !status.ok()) return status;
    const PageContent content = content_of(room);
    if (content == PageContent::kZero || content == PageContent::kFill) continue;
    has_page |= each == page;
    if (++count < block_pages) continue;
    if (has_page) break;
    count = 0;
  }
  if (!has_page) return BlockOfPage{};
  std::vector<std::byte> out(count * kPageBytes * kShrunkPercent / 100);
  const auto block = std::span<const std::byte>(pages).first(count * kPageBytes);
  return BlockOfPage{count, make_block_encoder(encoding)->encode(block, {}, level, out)};
}

Result<std::optional<std::size_t>> try_page(const ImageFile& image, std::uint32_t page,
                                            Encoding encoding, int level) {
  std::array<std::byte, kPageBytes> bytes;
  std::array<std::byte, kPageBytes - 1> out;
  if (Status status = image.read_content(contents_at_first(image)[page], bytes); !status.ok()) {
    return status;
  }
  return make_block_encoder(encoding)->encode(bytes, {}, level, out);
}

}  // namespace pageferry
